import { Duplex } from 'node:stream';
import type { Headers } from './header-block.ts';

/** What a stream asks of its connection. */
export interface StreamCarrier {
  /** Sends `data` as frames; calls back once there is room for more. */
  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void;
  /** Nothing more will be sent on the stream. */
  finish(stream: SpdyStream, done: (error?: Error) => void): void;
  /** What the stream costs while nobody reads it has changed by so many bytes. */
  holds(stream: SpdyStream, change: number): void;
  /** The reader has taken so many bytes. */
  taken(stream: SpdyStream, bytes: number): void;
  /** The stream is destroyed. */
  gone(stream: SpdyStream): void;
}

/** Bytes that a stream holds for its writer before it asks him to wait. */
const HIGH_WATER_MARK = 64 * 1024;
/** What a piece of data costs beside its bytes: a peer may send bytes one by one. */
const COST_OF_PIECE = 128;

/** One stream of a SPDY connection. Each side half-closes it by itself; `destroy` resets it. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #carrier: StreamCarrier;
  /** Bytes that came and that nobody has read yet. */
  #held = 0;
  #pieces = 0;
  #cost = 0;

  constructor(carrier: StreamCarrier, id: number, headers: Headers) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    this.#carrier = carrier;
    this.id = id;
    this.headers = headers;
    // A stream that breaks while nobody listens is no fault of the process.
    this.on('error', () => undefined);
  }

  /** Bytes that are held because nobody has read what came. */
  get cost(): number {
    return this.#cost;
  }

  /** Takes what came from the peer. */
  receive(data: Buffer): void {
    if (this.destroyed || data.length === 0) return;
    this.#held += data.length;
    this.#pieces += 1;
    this.push(data);
    this.#count();
  }

  /** The peer sends no more. */
  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  /** Every way of consuming a Readable comes through here, but for a chunk that goes to a waiting reader at once. */
  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (!this.destroyed) this.#count();
    return chunk;
  }

  override _read(): void {
    // Bytes are pushed as they come; the connection stops reading when too many are held.
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#carrier.send(this, data, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#carrier.finish(this, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#countAs(0);
    this.#carrier.gone(this);
    done(error);
  }

  #count(): void {
    this.#countAs(this.readableLength);
  }

  #countAs(held: number): void {
    const taken = this.#held - held;
    this.#held = held;
    // Which pieces are left cannot be seen: all, until all are read.
    if (held === 0) this.#pieces = 0;
    const change = held + this.#pieces * COST_OF_PIECE - this.#cost;
    this.#cost += change;
    if (change !== 0) this.#carrier.holds(this, change);
    if (taken > 0) this.#carrier.taken(this, taken);
  }
}
