/** How long a breath is, milliseconds; the kernel adds some 50 µs. */
const BREATH_MS = 0.2;
/** Pieces that follow each other within so many milliseconds are a flood; what a person types or reads is not. */
const FLOOD_MS = 1;
/** Who brings so much at a time, bytes, has been kept waiting already. */
const PLENTY = 64 * 1024;

/** The whole process waits for a moment, once, when all that is due in this turn of the event loop is done. */
class Breath {
  readonly #never = new Int32Array(new SharedArrayBuffer(4));
  #isDue = false;

  take(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      Atomics.wait(this.#never, 0, 0, BREATH_MS);
    });
  }
}

const breath = new Breath();

/**
 * Lets what comes in a flood of small pieces gather for a moment, as network cards hold back their interrupts: who is woken up by each piece costs the sender
 * and himself more than what it takes to carry it.
 */
export class Flood {
  #at = 0;

  /** A piece has come. */
  took(bytes: number): void {
    const before = this.#at;
    this.#at = performance.now();
    if (this.#at - before < FLOOD_MS && bytes < PLENTY) breath.take();
  }
}
