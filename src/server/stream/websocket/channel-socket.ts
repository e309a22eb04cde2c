import type { WebSocket } from 'ws';
import { KmError } from '../../../base/index.ts';
import { Garbage } from '../garbage.ts';
import type { StreamLimits } from '../limits.ts';
import { Channel, type ChannelCarrier, type ChannelKind } from './channel.ts';

export interface ChannelSocketOptions extends StreamLimits {
  /** Messages are text: the number as a digit, the data in base64. */
  readonly isBase64: boolean;
  /** The channels from 0 on. */
  readonly kinds: readonly ChannelKind[];
}

/** Channel of version 5 on which the client says which other channel it closes. */
const CLOSE_CHANNEL = 255;
/** Bytes that may wait to be sent before pings are left without an answer. */
const MOST_OWED = 64 * 1024;
const CLOSING_MS = 10_000;
const TICK_MS = 10_000;
const NORMAL_CLOSURE = 1000;

/**
 * The channels of one WebSocket (Kubernetes v1.20 apiserver/pkg/util/wsstream). `signal` aborts when it is over, whoever ended it.
 * It is not read while one of its channels can take no more, nor answers pings of a client who does not read.
 */
export class ChannelSocket implements ChannelCarrier {
  readonly #webSocket: WebSocket;
  readonly #options: ChannelSocketOptions;
  readonly #channels: Channel[];
  readonly #full = new Set<number>();
  readonly #over = new AbortController();
  #activeAt: number;
  readonly #garbage = new Garbage();
  #isClosing = false;
  #cancelTimer: () => void = () => undefined;

  constructor(webSocket: WebSocket, options: ChannelSocketOptions) {
    this.#webSocket = webSocket;
    this.#options = options;
    this.#activeAt = options.clock.now();
    this.#channels = options.kinds.map((kind, number) => new Channel(this, number, kind));
    webSocket.binaryType = 'nodebuffer';
    webSocket.on('message', (data) => this.#receive(data as Buffer));
    webSocket.on('ping', (data) => {
      if (webSocket.bufferedAmount < MOST_OWED) webSocket.pong(data);
    });
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('close', () => this.#end());
    this.#tick();
  }

  /** All channels, by number. */
  get all(): Channel[] {
    return this.#channels;
  }

  /** Aborts when the connection is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Sends an empty message. */
  greet(channel: number): void {
    this.send(channel, Buffer.alloc(0), () => undefined);
  }

  /** Says goodbye, after everything that was written. */
  close(): void {
    if (this.#over.signal.aborted || this.#isClosing) return;
    this.#isClosing = true;
    this.#webSocket.resume();
    this.#webSocket.close(NORMAL_CLOSURE);
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(CLOSING_MS, () => this.#webSocket.terminate());
  }

  send(channel: number, data: Buffer, done: (error?: Error) => void): void {
    if (this.#isClosing || this.#over.signal.aborted) return done(gone());
    this.#garbage.add(data.length);
    this.#activeAt = this.#options.clock.now();
    if (this.#options.isBase64) this.#webSocket.send(`${channel}${data.toString('base64')}`, done);
    else this.#webSocket.send(Buffer.concat([Buffer.from([channel]), data]), { binary: true }, done);
  }

  full(channel: number): void {
    this.#full.add(channel);
    if (!this.#isClosing) this.#webSocket.pause();
  }

  free(channel: number): void {
    if (this.#full.delete(channel) && this.#full.size === 0) this.#webSocket.resume();
  }

  #receive(message: Buffer): void {
    this.#activeAt = this.#options.clock.now();
    this.#garbage.add(message.length);
    const [first] = message;
    if (first === undefined || this.#isClosing) return;
    const { isBase64 } = this.#options;
    const number = isBase64 ? first - '0'.charCodeAt(0) : first;
    const data = message.subarray(1);
    if (number === CLOSE_CHANNEL && data[0] !== undefined) this.#channels[data[0]]?.receiveEnd();
    else this.#channels[number]?.receive(isBase64 ? Buffer.from(data.toString('latin1'), 'base64') : data);
  }

  #tick(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#cancelTimer = clock.after(Math.min(TICK_MS, idleTimeoutMs), () => {
      if (clock.now() - this.#activeAt >= idleTimeoutMs) return this.close();
      // A client that is gone shows in the answer to what we send, since just now we do not read.
      if (this.#full.size > 0 && this.#webSocket.bufferedAmount < MOST_OWED) this.#webSocket.ping();
      this.#tick();
    });
  }

  #end(): void {
    this.#cancelTimer();
    this.#over.abort(gone());
    for (const channel of this.#channels) channel.destroy(gone());
  }
}

function gone(): KmError {
  return new KmError('aborted', 'the client is gone');
}
