import type { Clock } from '../../../src/base/index.ts';

/** Time in which every pause is over at once: `now` jumps by it. Remembers the pauses, milliseconds. */
export class FastClock implements Clock {
  readonly pauses: number[] = [];
  #now = 1_800_000_000_000;

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  after(ms: number, fn: () => void): () => void {
    const immediate = setImmediate(() => {
      this.#now += ms;
      this.pauses.push(ms);
      fn();
    });
    return () => clearImmediate(immediate);
  }
}
