import type { Duplex } from 'node:stream';
import { KmError } from '../../../base/index.ts';
import { Garbage } from '../garbage.ts';
import type { StreamLimits } from '../limits.ts';
import { Base64Pieces } from './base64-pieces.ts';
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
const DIGIT_0 = 0x30;
const TICK_MS = 10_000;

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
  /** Of the message that is coming, when its number has come. */
  #channel: number | undefined;
  readonly #base64: Base64Pieces | undefined;
  #isClosing = false;
  #cancelTimer: () => void = () => undefined;

  constructor(socket: Duplex, head: Buffer, options: ChannelSocketOptions) {
    this.#options = options;
    this.#base64 = options.isBase64 ? new Base64Pieces() : undefined;
    this.#activeAt = options.clock.elapsed();
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
    this.#activeAt = this.#options.clock.elapsed();
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
    this.#activeAt = this.#options.clock.elapsed();
    this.#garbage.add(piece.length);
    if (this.#isClosing) return;
    let data = piece;
    if (isFirst) this.#channel = undefined;
    if (this.#channel === undefined) {
      this.#channel = piece[0];
      data = piece.subarray(1);
    }
    if (this.#channel === undefined) return;
    if (this.#base64 !== undefined) this.#receiveText(this.#base64, this.#channel - DIGIT_0, data, isLast);
    else if (this.#channel === CLOSE_CHANNEL && data[0] !== undefined) this.#channels[data[0]]?.receiveEnd();
    else this.#channels[this.#channel]?.receive(data);
  }

  #receiveText(base64: Base64Pieces, number: number, text: Buffer, isLast: boolean): void {
    const channel = this.#channels[number];
    channel?.receive(base64.take(text));
    if (isLast) channel?.receive(base64.end());
  }

  #tick(): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#cancelTimer = clock.after(Math.min(TICK_MS, idleTimeoutMs), () => {
      if (clock.elapsed() - this.#activeAt >= idleTimeoutMs) return this.close();
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
