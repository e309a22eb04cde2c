import type { Clock } from './clock.ts';

/**
 * Periodic work that never overlaps itself: the pause begins when a run has ended. `wake` runs it at once (or once more,
 * if it is running). Failures go to `onError` and do not end it.
 */
export class RepeatingTask {
  readonly #clock: Clock;
  readonly #intervalMs: () => number;
  readonly #run: (signal: AbortSignal) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #stop = new AbortController();
  #cancelTimer: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(options: {
    clock: Clock;
    /** Milliseconds between the end of a run and the start of the next; a function where it varies (jitter). */
    intervalMs: number | (() => number);
    run: (signal: AbortSignal) => Promise<void>;
    onError: (error: unknown) => void;
  }) {
    this.#clock = options.clock;
    const every = options.intervalMs;
    this.#intervalMs = typeof every === 'number' ? () => every : every;
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
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(this.#intervalMs(), () => this.wake());
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#run(this.#stop.signal);
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#onError(error);
      }
    } while (this.#wanted());
    this.#running = undefined;
    if (!this.#stop.signal.aborted) this.#schedule();
  }

  #wanted(): boolean {
    return this.#again && !this.#stop.signal.aborted;
  }
}
