import { Duplex } from 'node:stream';

/** What a channel asks of its socket. */
export interface ChannelCarrier {
  /** As one message; calls back when it has been written. */
  send(channel: number, data: readonly Buffer[], done: (error?: Error | null) => void): void;
  /** The channel can take no more for now. */
  full(channel: number): void;
  /** The channel can take more again. */
  free(channel: number): void;
}

const HIGH_WATER_MARK = 64 * 1024;

/** Which ways a channel goes, as the server sees it. What comes on a channel that is not read is dropped; what is written to one that is not sent too. */
export type ChannelKind = 'read' | 'write' | 'both' | 'none';

/** One of the streams that a WebSocket carries, each message with the channel's number before it. */
export class Channel extends Duplex {
  readonly #carrier: ChannelCarrier;
  readonly #number: number;
  readonly #isRead: boolean;
  readonly #isSent: boolean;

  constructor(carrier: ChannelCarrier, number: number, kind: ChannelKind) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    this.#carrier = carrier;
    this.#number = number;
    this.#isRead = kind === 'read' || kind === 'both';
    this.#isSent = kind === 'write' || kind === 'both';
    // A channel that breaks while nobody listens is no fault of the process.
    this.on('error', () => undefined);
  }

  receive(data: Buffer): void {
    if (!this.#isRead || this.destroyed || this.readableEnded || data.length === 0) return;
    if (!this.push(data)) this.#carrier.full(this.#number);
  }

  receiveEnd(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#carrier.free(this.#number);
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isSent) this.#carrier.send(this.#number, [data], done);
    else done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    if (this.#isSent) this.#carrier.send(this.#number, chunks.map(({ chunk }) => chunk), done);
    else done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#carrier.free(this.#number);
    done(error);
  }
}
