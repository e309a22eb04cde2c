/** Window of a stream, and of the connection, unless told otherwise, bytes (SPDY Protocol Draft 3.1, "WINDOW_UPDATE"). */
export const DEFAULT_WINDOW = 64 * 1024;

/**
 * Flow control, for a peer that does it. Go's spdystream, with which API servers speak to nodes, neither sends WINDOW_UPDATE nor heeds it:
 * with such a peer only TCP says how much may be sent. So a window binds us once the peer has spoken of windows, and only then do we tell it of ours;
 * the window of the whole connection, which came with SPDY/3.1, once it has spoken of that one.
 */
export class Windows {
  readonly #streams = new Map<number, { window: number; taken: number }>();
  #initial = DEFAULT_WINDOW;
  #connection = DEFAULT_WINDOW;
  #taken = 0;
  #hasStreamWindows = false;
  #hasConnectionWindow = false;

  open(id: number): void {
    this.#streams.set(id, { window: this.#initial, taken: 0 });
  }

  close(id: number): void {
    this.#streams.delete(id);
  }

  /** Bytes that may be sent on a stream now. */
  room(id: number): number {
    const stream = this.#hasStreamWindows ? (this.#streams.get(id)?.window ?? 0) : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(stream, this.#hasConnectionWindow ? this.#connection : Number.POSITIVE_INFINITY));
  }

  sent(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.window -= bytes;
    this.#connection -= bytes;
  }

  /** The peer set the window of streams, also of those that are open. */
  setInitial(size: number): void {
    this.#hasStreamWindows = true;
    for (const stream of this.#streams.values()) stream.window += size - this.#initial;
    this.#initial = size;
  }

  /** The peer gave room; 0 is the whole connection. False when a window became larger than it may be. */
  update(id: number, delta: number): boolean {
    if (id === 0) {
      this.#hasConnectionWindow = true;
      this.#connection += delta;
      return this.#connection < 2 ** 31;
    }
    this.#hasStreamWindows = true;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.window += delta;
    return stream === undefined || stream.window < 2 ** 31;
  }

  /** Our reader took bytes. Returns the updates that are due: to a peer without flow control none. */
  taken(id: number, bytes: number): { id: number; delta: number }[] {
    this.#taken += bytes;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.taken += bytes;
    if (!this.#hasStreamWindows && !this.#hasConnectionWindow) return [];
    const due: { id: number; delta: number }[] = [];
    if (stream !== undefined && stream.taken >= DEFAULT_WINDOW / 2) {
      due.push({ id, delta: stream.taken });
      stream.taken = 0;
    }
    if (this.#taken >= DEFAULT_WINDOW / 2) {
      due.push({ id: 0, delta: Math.min(this.#taken, 2 ** 31 - 1) });
      this.#taken = 0;
    }
    return due;
  }
}
