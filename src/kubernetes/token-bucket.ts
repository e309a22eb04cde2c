import { sleep, type Clock } from '../base/index.ts';

/** Lets `burst` requests through at once and `perSecond` after that, in the order in which they came. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  /** May be negative: tokens that are promised to those who wait. */
  #tokens: number;
  #at: number;

  constructor(options: { perSecond: number; burst: number; clock: Clock }) {
    this.#perMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#clock = options.clock;
    this.#at = options.clock.now();
  }

  /** Rejects with code `aborted` when `signal` aborts; its token goes back. */
  async take(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return;
    try {
      await sleep(this.#clock, -this.#tokens / this.#perMs, signal);
    } catch (error) {
      this.#tokens += 1;
      throw error;
    }
  }
}
