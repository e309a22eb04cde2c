import type { Clock } from '../../src/base/index.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** A clock that stands still until it is told to go on. Timers fire in their order. */
export class ManualClock implements Clock {
  #now: number;
  #ahead = 0;
  readonly #timers = new Set<Timer>();

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#ahead;
  }

  elapsed(): number {
    return this.#now;
  }

  /** Somebody sets the wall clock. */
  set(byMs: number): void {
    this.#ahead += byMs;
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Goes on by `ms` at once. */
  jump(ms: number): void {
    const end = this.#now + ms;
    while (this.#fireNext(end));
    this.#now = end;
  }

  /** Goes on by `ms`; what a timer has woken has its turn before the next one fires. */
  async advance(ms: number, turn: () => Promise<void> = settle): Promise<void> {
    const end = this.#now + ms;
    while (this.#fireNext(end)) await turn();
    this.#now = end;
  }

  #fireNext(end: number): boolean {
    const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
    if (next === undefined || next.at > end) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.fn();
    return true;
  }
}

/** Lets promises that are ready run on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
