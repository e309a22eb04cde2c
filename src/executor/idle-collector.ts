import type { Clock } from '../base/index.ts';

/** Quiet for so long after the last pod has gone, and between two rounds, milliseconds. */
const QUIET_MS = 3000;
/** A first round frees objects; only later ones find whole pages free, and give them back to the system. */
const ROUNDS = 3;

/**
 * Gives memory back after a burst of pods. V8 collects when it needs room, and an executor without work needs none for hours: it would
 * hold on to what its busiest minute took. Runs only where the process was started with `--expose-gc`.
 */
export class IdleCollector {
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A pod has gone. */
  poke(): void {
    this.#collectLater(ROUNDS);
  }

  stop(): void {
    this.#cancel?.();
  }

  #collectLater(rounds: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(QUIET_MS, () => {
      void globalThis.gc?.({ type: 'major', execution: 'async', flavor: 'last-resort' });
      if (rounds > 1) this.#collectLater(rounds - 1);
    });
  }
}
