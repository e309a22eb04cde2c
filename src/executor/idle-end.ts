import type { Clock } from '../base/index.ts';

export interface IdleEndOptions {
  readonly clock: Clock;
  /** Milliseconds without a task after which the executor ends; 0: never. */
  readonly timeoutMs: number;
  /** Whether there is no task that has not ended. */
  readonly isIdle: () => boolean;
  readonly end: (message: string) => void;
  /** It was told so before this process. */
  readonly draining: boolean;
  readonly onDrain: () => void;
}

/** Ends an executor that nobody needs: after a time without tasks, or, once it drains, with its last one. */
export class IdleEnd {
  readonly #options: IdleEndOptions;
  #draining: boolean;
  #cancel: (() => void) | undefined;

  constructor(options: IdleEndOptions) {
    this.#options = options;
    this.#draining = options.draining;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** No more tasks are taken; those that run are waited for. */
  drain(): void {
    this.#draining = true;
    this.#options.onDrain();
    this.look();
  }

  /** There may be a task more or less. */
  look(): void {
    const { clock, timeoutMs, isIdle, end } = this.#options;
    if (!isIdle()) return this.stop();
    if (this.#draining) return end('the executor has drained');
    if (timeoutMs === 0) return;
    this.#cancel ??= clock.after(timeoutMs, () => {
      this.#cancel = undefined;
      if (isIdle()) end(`no task for ${timeoutMs / 1000}s`);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
