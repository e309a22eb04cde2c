import type { Duplex } from 'node:stream';
import { encodeDataHead } from './frame.ts';
import type { Windows } from './windows.ts';

const LARGEST_DATA_FRAME = 256 * 1024;

interface Sending {
  readonly id: number;
  /** False from the moment on when nothing may be sent on the stream any more. */
  readonly isOpen: () => boolean;
  readonly data: Buffer;
  /** Called once, when all is sent or the stream is not open. */
  readonly done: (sent: boolean) => void;
}

/**
 * Sends the data of all streams over one socket, as fast as the socket and the windows allow. It holds no more than what each stream gave it last;
 * streams take turns.
 */
export class DataSender {
  readonly #socket: Duplex;
  readonly #windows: Windows;
  readonly #onSent: () => void;
  /** Those that wait for room in the socket, oldest first; and those that wait for room in a window, by stream. */
  #waiting: (() => void)[] = [];
  readonly #waitingForWindow = new Map<number, () => void>();

  constructor(socket: Duplex, windows: Windows, onSent: () => void) {
    this.#socket = socket;
    this.#windows = windows;
    this.#onSent = onSent;
    socket.on('drain', () => this.#drained());
  }

  send({ id, isOpen, data, done }: Sending): void {
    let rest = data;
    const go = (): void => {
      while (rest.length > 0) {
        if (!isOpen()) return done(false);
        const room = Math.min(this.#windows.room(id), LARGEST_DATA_FRAME);
        if (room === 0) {
          this.#waitingForWindow.set(id, go);
          return;
        }
        if (this.#socket.writableNeedDrain) {
          this.#waiting.push(go);
          return;
        }
        const piece = rest.subarray(0, room);
        rest = rest.subarray(room);
        this.#write(id, piece, false);
      }
      done(true);
    };
    go();
  }

  sendEnd(id: number): void {
    this.#write(id, Buffer.alloc(0), true);
  }

  /** The peer gave room. */
  windowsOpened(): void {
    const waiting = [...this.#waitingForWindow.values()];
    this.#waitingForWindow.clear();
    for (const resume of waiting) resume();
  }

  /** The stream is not open any more: what waits for its window does not. */
  closed(id: number): void {
    const resume = this.#waitingForWindow.get(id);
    this.#waitingForWindow.delete(id);
    resume?.();
  }

  /** No stream is open any more. */
  closedAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
    this.windowsOpened();
  }

  #write(id: number, data: Buffer, fin: boolean): void {
    this.#windows.sent(id, data.length);
    this.#socket.cork();
    this.#socket.write(encodeDataHead(id, data.length, fin));
    if (data.length > 0) this.#socket.write(data);
    this.#socket.uncork();
    this.#onSent();
  }

  #drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    while (waiting.length > 0 && !this.#socket.writableNeedDrain) waiting.shift()?.();
    this.#waiting = [...waiting, ...this.#waiting];
  }
}
