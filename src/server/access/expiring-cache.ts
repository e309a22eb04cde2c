import type { Clock } from '../../base/index.ts';

/** Answers that are good for a while. Holds at most `limit`; the one that was asked for longest ago goes first. */
export class ExpiringCache<T> {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly value: T; readonly until: number }>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#clock.elapsed()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `ttlMs` in milliseconds. */
  set(key: string, value: T, ttlMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#clock.elapsed() + ttlMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) break;
      this.#entries.delete(oldest);
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}
