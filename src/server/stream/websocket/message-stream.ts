import { Duplex } from 'node:stream';
import { CLOSE, OPCODE } from './frame.ts';
import { MessageSocket } from './message-socket.ts';

const NOTHING = Buffer.alloc(0);
const HIGH_WATER_MARK = 64 * 1024;

/** What comes over a WebSocket joined to one stream of bytes, and what is written in messages. It ends when the client closes it. */
export class MessageStream extends Duplex {
  readonly #messages: MessageSocket;

  constructor(socket: Duplex, head: Buffer) {
    super({ readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    this.#messages = new MessageSocket(socket, head, {
      takePiece: (piece) => {
        if (piece.length > 0 && !this.destroyed && !this.push(piece)) this.#messages.pause();
      },
      takePing: (payload) => {
        if (this.#messages.owed < HIGH_WATER_MARK) this.#messages.pong(payload);
      },
      takeEnd: () => {
        if (!this.destroyed) this.push(null);
        this.destroy();
      },
    });
  }

  override _read(): void {
    this.#messages.resume();
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#messages.send(OPCODE.binary, NOTHING, [data], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#messages.send(OPCODE.binary, NOTHING, chunks.map(({ chunk }) => chunk), done);
  }

  override _final(done: () => void): void {
    this.#messages.close(CLOSE.normal);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#messages.terminate();
    done(error);
  }
}
