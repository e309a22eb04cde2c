/** So many bytes of buffers may lie about before they are freed. */
const MOST_BYTES = 2 * 1024 * 1024;

/**
 * The buffers that a connection has carried and nobody needs any more. V8 frees them with the young generation, which fills up slowly (to it a
 * buffer is a few bytes), and meanwhile takes their bytes for a full heap: it would mark all of it over and over. Where the process lets us
 * (`--expose-gc`), the young ones are freed in time instead.
 */
export class Garbage {
  #bytes = 0;

  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < MOST_BYTES) return;
    this.#bytes = 0;
    (globalThis as { gc?: (how: { type: 'minor' }) => void }).gc?.({ type: 'minor' });
  }
}
