import type { Clock } from './clock.ts';

/**
 * A moment that can only come nearer. `signal` aborts when it has passed.
 * Owns one timer at most; `dispose` (or `using`) gives it back.
 */
export class Deadline implements Disposable {
  readonly #clock: Clock;
  readonly #passed = new AbortController();
  /** As the clock's `elapsed` has it. */
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.shorten(graceMs);
  }

  /** Aborts when the deadline has passed. */
  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  /** Milliseconds left; 0 when it has passed. */
  remainingMs(): number {
    return Math.max(0, this.#atMs - this.#clock.elapsed());
  }

  /** Moves the deadline to `graceMs` from now, unless it is nearer already. */
  shorten(graceMs: number): void {
    const at = this.#clock.elapsed() + Math.max(0, graceMs);
    if (at >= this.#atMs) return;
    this.#atMs = at;
    this.#cancel?.();
    if (graceMs <= 0) this.#passed.abort();
    else this.#cancel = this.#clock.after(graceMs, () => this.#passed.abort());
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
  }
}
