import type { Clock } from './clock.ts';
import { askedToWaitMs } from './errors.ts';

/**
 * Periodic work that never overlaps itself: the pause begins when a run has ended. `wake` runs it at once (or once more,
 * if it is running). Failures go to `onError` and do not end it; after one with which the other side asks to be left alone, nobody wakes it before.
 */
export class RepeatingTask {
  readonly #clock: Clock;
  readonly #intervalMs: () => number;
  readonly #longestHoldMs: number;
  readonly #run: (signal: AbortSignal) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #stop = new AbortController();
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  /** The other side wants to be left alone until then, as the clock's `elapsed` has it. */
  #heldUntilMs = 0;

  constructor(options: {
    clock: Clock;
    /** Milliseconds between the end of a run and the start of the next; a function where it varies (jitter). */
    intervalMs: number | (() => number);
    /** For no longer it is left alone, milliseconds; as long as it asks for unless told. */
    longestHoldMs?: number;
    run: (signal: AbortSignal) => Promise<void>;
    onError: (error: unknown) => void;
  }) {
    this.#clock = options.clock;
    const every = options.intervalMs;
    this.#intervalMs = typeof every === 'number' ? () => every : every;
    this.#longestHoldMs = options.longestHoldMs ?? Infinity;
    this.#run = options.run;
    this.#onError = options.onError;
  }

  /** Schedules the first run one interval from now. */
  start(): void {
    if (!this.#stop.signal.aborted && this.#running === undefined) this.#schedule();
  }

  wake(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    const heldMs = this.#heldMs();
    if (heldMs > 0) return this.#scheduleIn(heldMs);
    this.#cancelTimer?.();
    this.#running = this.#loop();
  }

  /** Aborts the run under way and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer?.();
    await this.#running;
  }

  #schedule(): void {
    this.#scheduleIn(Math.max(this.#intervalMs(), this.#heldMs()));
  }

  #scheduleIn(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(ms, () => this.wake());
  }

  #heldMs(): number {
    return Math.max(0, this.#heldUntilMs - this.#clock.elapsed());
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#run(this.#stop.signal);
      } catch (error) {
        this.#heldUntilMs = this.#clock.elapsed() + Math.min(askedToWaitMs(error), this.#longestHoldMs);
        if (!this.#stop.signal.aborted) this.#onError(error);
      }
    } while (this.#wanted() && this.#heldMs() === 0);
    this.#running = undefined;
    if (this.#wanted()) this.#scheduleIn(this.#heldMs());
    else if (!this.#stop.signal.aborted) this.#schedule();
  }

  #wanted(): boolean {
    return this.#again && !this.#stop.signal.aborted;
  }
}
