import { KmError, messageOf, type Clock } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';

/** Listeners to one kind of happening. */
export class Listeners<A extends readonly unknown[]> {
  readonly #all = new Set<(...args: A) => void>();

  add(listener: (...args: A) => void): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  call(...args: A): void {
    for (const listener of [...this.#all]) listener(...args);
  }
}

export interface WaitOptions {
  /** Milliseconds; for ever unless told. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** What is waited for, for the error's message. */
  readonly what?: string;
}

/** Waits for conditions that can only change when somebody calls `look`: no polling. */
export class Conditions {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Resolves as soon as `predicate` holds. Throws code `timeout` at the deadline and `aborted` when the signal aborts. */
  wait(predicate: () => boolean, options: WaitOptions): Promise<void> {
    const { deadlineMs, signal, what = 'what was waited for' } = options;
    if (predicate()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(look);
        cancel?.();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const look = (): void => {
        if (predicate()) end(resolve);
      };
      const onAbort = (): void => end(() => reject(new KmError('aborted', `no longer waiting for ${what}`, { cause: signal?.reason })));
      const late = (): void => end(() => reject(new KmError('timeout', `${what} did not happen within ${String(deadlineMs)} ms`)));
      const cancel = deadlineMs === undefined ? undefined : this.#clock.after(deadlineMs, late);
      this.#waiting.add(look);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  look(): void {
    for (const look of [...this.#waiting]) {
      try {
        look();
      } catch (error) {
        this.#logger.error('a condition that was waited for failed', { error: messageOf(error) });
      }
    }
  }
}
