import { askedToWaitMs } from './errors.ts';

export interface BackoffOptions {
  /** First delay, milliseconds. */
  readonly initialMs: number;
  /** No delay is longer, milliseconds. */
  readonly maxMs: number;
  /** Factor from one delay to the next; 2 unless told. */
  readonly factor?: number;
  /** Share of each delay that is random, 0..1; 0.5 unless told: a delay d becomes d x (1 - jitter x random). */
  readonly jitter?: number;
  /** Source of randomness in [0, 1). */
  readonly random?: () => number;
}

/** Delays that grow from failure to failure, with jitter, until `reset`. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The delay to wait before the next try, milliseconds; after an `error` with which the other side asks for more time, that. */
  next(error?: unknown): number {
    const { initialMs, maxMs, factor = 2, jitter = 0.5, random = Math.random } = this.#options;
    const full = Math.min(maxMs, initialMs * factor ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 64);
    return Math.max(full * (1 - jitter * random()), askedToWaitMs(error));
  }

  reset(): void {
    this.#failures = 0;
  }
}
