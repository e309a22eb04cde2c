import type { Duplex } from 'node:stream';
import { KmError } from '../../../base/index.ts';
import { Garbage } from '../garbage.ts';
import type { StreamLimits } from '../limits.ts';
import { Channel, type ChannelCarrier, type ChannelKind } from './channel.ts';
import { CLOSE, OPCODE } from './frame.ts';
import type { Place } from './frame-decoder.ts';
import { MessageSocket } from './message-socket.ts';

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
/** Parts in which a message may come that is read as a whole. */
const MOST_PARTS = 4096;

/**
 * The channels of one WebSocket (Kubernetes v1.20 apiserver/pkg/util/wsstream). `signal` aborts when it is over, whoever ended it.
 * It is not read while one of its channels can take no more, nor answers pings of a client who does not read.
 */
export class ChannelSocket implements ChannelCarrier {
  readonly #messages: MessageSocket;
  readonly #options: ChannelSocketOptions;
  readonly #channels: Channel[];
  readonly #full = new Set<number>();
  readonly #over = new AbortController();
  #activeAt: number;
  readonly #garbage = new Garbage();
  /** Of the message that is coming: the channel, when its number has come; and its parts, where it means something only when it is whole. */
  #channel: number | undefined;
  #parts: Buffer[] = [];
  #isClosing = false;
  #cancelTimer: () => void = () => undefined;

  constructor(socket: Duplex, head: Buffer, options: ChannelSocketOptions) {
    this.#options = options;
    this.#activeAt = options.clock.now();
    this.#channels = options.kinds.map((kind, number) => new Channel(this, number, kind));
    this.#messages = new MessageSocket(socket, head, {
      takePiece: (piece, place) => this.#receive(piece, place),
      takePing: (payload) => {
        if (this.#messages.owed < MOST_OWED) this.#messages.pong(payload);
      },
      takeEnd: () => this.#end(),
    });
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
    this.send(channel, [], () => undefined);
  }

  /** Says goodbye, after everything that was written. */
  close(status: number = CLOSE.normal): void {
    if (this.#over.signal.aborted || this.#isClosing) return;
    this.#isClosing = true;
    this.#messages.close(status);
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(CLOSING_MS, () => this.#messages.terminate());
  }

  send(channel: number, data: readonly Buffer[], done: (error?: Error | null) => void): void {
    if (this.#isClosing || this.#over.signal.aborted) return done(gone());
    for (const { length } of data) this.#garbage.add(length);
    this.#activeAt = this.#options.clock.now();
    if (this.#options.isBase64) this.#messages.send(OPCODE.text, Buffer.from(`${channel}${Buffer.concat(data).toString('base64')}`), [], done);
    else this.#messages.send(OPCODE.binary, Buffer.from([channel]), data, done);
  }

  full(channel: number): void {
    this.#full.add(channel);
    if (!this.#isClosing) this.#messages.pause();
  }

  free(channel: number): void {
    if (this.#full.delete(channel) && this.#full.size === 0) this.#messages.resume();
  }

  #receive(piece: Buffer, { isFirst, isLast }: Place): void {
    this.#activeAt = this.#options.clock.now();
    this.#garbage.add(piece.length);
    if (this.#isClosing) return;
    if (this.#options.isBase64) return this.#receiveText(piece, isLast);
    let data = piece;
    if (isFirst) this.#channel = undefined;
    if (this.#channel === undefined) {
      this.#channel = piece[0];
      data = piece.subarray(1);
    }
    if (this.#channel === CLOSE_CHANNEL && data[0] !== undefined) this.#channels[data[0]]?.receiveEnd();
    else if (this.#channel !== undefined) this.#channels[this.#channel]?.receive(data);
  }

  /** Base64 is not to be cut anywhere: a message is decoded when it is whole. */
  #receiveText(piece: Buffer, isLast: boolean): void {
    this.#parts.push(piece);
    if (this.#parts.length > MOST_PARTS) return this.close(CLOSE.tooBig);
    if (!isLast) return;
    const message = Buffer.concat(this.#parts).toString('latin1');
    this.#parts = [];
    if (message !== '') this.#channels[message.charCodeAt(0) - '0'.charCodeAt(0)]?.receive(Buffer.from(message.slice(1), 'base64'));
  }

  #tick(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#cancelTimer = clock.after(Math.min(TICK_MS, idleTimeoutMs), () => {
      if (clock.now() - this.#activeAt >= idleTimeoutMs) return this.close();
      // A client that is gone shows in the answer to what we send, since just now we do not read.
      if (this.#full.size > 0 && this.#messages.owed < MOST_OWED) this.#messages.ping();
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
