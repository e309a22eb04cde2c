import type { Duplex } from 'node:stream';
import { KmError } from '../../../base/index.ts';
import { CLOSE, encodeHead, OPCODE, WebSocketError } from './frame.ts';
import { FrameDecoder, type Place } from './frame-decoder.ts';

/** What a connection tells its owner. */
export interface MessageTaker {
  takePiece(piece: Buffer, place: Place): void;
  takePing(payload: Buffer): void;
  /** The connection is over; once. */
  takeEnd(): void;
}

const NOTHING = Buffer.alloc(0);
/** How long a client may take to read our last words, milliseconds. */
const LAST_WORDS_MS = 10_000;

/**
 * The server's end of a WebSocket (RFC 6455) over any byte stream: messages out, pieces of messages in, as they come. What is sent is not copied, and
 * nothing that came is held. Who breaks the protocol is told why, and that is the end.
 */
export class MessageSocket {
  readonly #socket: Duplex;
  readonly #taker: MessageTaker;
  readonly #decoder: FrameDecoder;
  #state: 'open' | 'closing' | 'over' = 'open';
  #hears = true;

  /** `head` came with the request. Nothing is told before the next microtask, so that the owner holds the connection by then. */
  constructor(socket: Duplex, head: Buffer, taker: MessageTaker) {
    this.#socket = socket;
    this.#taker = taker;
    this.#decoder = new FrameDecoder({
      takePiece: (piece, place) => {
        if (this.#state === 'open') taker.takePiece(piece, place);
      },
      takeControl: (opcode, payload) => this.#takeControl(opcode, payload),
    });
    const over = (): void => this.terminate();
    socket.on('error', over).on('close', over).on('end', over);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    queueMicrotask(() => {
      if (head.length > 0) this.#receive(head);
    });
  }

  /** Bytes that wait to be sent. */
  get owed(): number {
    return this.#socket.writableLength;
  }

  /** Sends one message, `first` and then `pieces`; calls back when it has been written, or will not be. */
  send(opcode: number, first: Buffer, pieces: readonly Buffer[], done?: (error?: Error | null) => void): void {
    if (this.#state === 'open') this.#write(opcode, first, pieces, done);
    else done?.(new KmError('aborted', 'the connection is closed'));
  }

  ping(): void {
    this.send(OPCODE.ping, NOTHING, []);
  }

  pong(payload: Buffer): void {
    this.send(OPCODE.pong, payload, []);
  }

  pause(): void {
    if (this.#state === 'open') this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says goodbye after everything that was sent, and is over when the client has said so too. */
  close(status: number): void {
    if (this.#state !== 'open') return;
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(status);
    this.#write(OPCODE.close, payload, []);
    this.#state = 'closing';
    this.#socket.resume();
  }

  /** Ends the connection at once. */
  terminate(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#hears = false;
    this.#socket.destroy();
    this.#taker.takeEnd();
  }

  #write(opcode: number, first: Buffer, pieces: readonly Buffer[], done?: (error?: Error | null) => void): void {
    const socket = this.#socket;
    const length = pieces.reduce((sum, piece) => sum + piece.length, first.length);
    socket.cork();
    socket.write(encodeHead(opcode, length, first), pieces.length === 0 ? done : undefined);
    pieces.forEach((piece, i) => socket.write(piece, i === pieces.length - 1 ? done : undefined));
    socket.uncork();
  }

  #receive(chunk: Buffer): void {
    if (!this.#hears) return;
    try {
      this.#decoder.decode(chunk);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.close(error.status);
      this.#finish();
    }
  }

  #takeControl(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.ping && this.#state === 'open') this.#taker.takePing(payload);
    if (opcode !== OPCODE.close) return;
    this.close(payload.length >= 2 ? payload.readUInt16BE() : CLOSE.normal);
    this.#finish();
  }

  /** Both sides have said goodbye, or there is nothing to be heard from the other any more: the connection ends when what we said is sent. */
  #finish(): void {
    if (this.#state === 'over') return;
    this.#hears = false;
    this.#socket.resume();
    const timer = setTimeout(() => this.terminate(), LAST_WORDS_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    this.#socket.end(() => this.terminate());
  }
}
