import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import type { Duplex } from 'node:stream';
import { DICTIONARY } from '../../../../src/server/stream/spdy/dictionary.ts';

/** A frame as the server sent it; headers still compressed. */
export interface RawFrame {
  /** 0 is data. */
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
  /** Of the stream; for a ping its number, for a goaway the last stream. */
  readonly id: number;
}

export function dataFrame(id: number, data: Buffer | string, fin = false): Buffer {
  const bytes = Buffer.from(data);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(bytes.length, 4);
  head[4] = fin ? 1 : 0;
  return Buffer.concat([head, bytes]);
}

export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE((0x80030000 | type) >>> 0, 0);
  head.writeUInt32BE(payload.length, 4);
  head[4] = flags;
  return Buffer.concat([head, payload]);
}

export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, i * 4));
  return bytes;
}

export const rstFrame = (id: number, status = 5): Buffer => controlFrame(3, numbers(id, status));
export const pingFrame = (id: number): Buffer => controlFrame(6, numbers(id));
export const goawayFrame = (): Buffer => controlFrame(7, numbers(0, 0));
export const windowFrame = (id: number, delta: number): Buffer => controlFrame(9, numbers(id, delta));
export const settingsFrame = (...pairs: [id: number, value: number][]): Buffer => controlFrame(4, numbers(pairs.length, ...pairs.flat()));

/** Header blocks made as Go's spdystream makes them: one zlib stream with the dictionary, level 9, flushed after each. */
export class Compressor {
  readonly #deflate: Deflate = createDeflate({ level: 9, dictionary: DICTIONARY });

  async block(headers: Record<string, string>): Promise<Buffer> {
    const text = (value: string): Buffer => Buffer.concat([numbers(Buffer.byteLength(value)), Buffer.from(value)]);
    const plain = Buffer.concat([numbers(Object.keys(headers).length), ...Object.entries(headers).flatMap(([name, value]) => [text(name.toLowerCase()), text(value)])]);
    const chunks: Buffer[] = [];
    const take = (chunk: Buffer): unknown => chunks.push(chunk);
    this.#deflate.on('data', take);
    this.#deflate.write(plain);
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    this.#deflate.off('data', take);
    return Buffer.concat(chunks);
  }

  async synStream(id: number, headers: Record<string, string>, flags = 0): Promise<Buffer> {
    return controlFrame(1, Buffer.concat([numbers(id, 0), Buffer.from([0, 0]), await this.block(headers)]), flags);
  }
}

/** Inflates header blocks as one stream, as a client does. */
export class Decompressor {
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY });

  async plain(block: Buffer): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const take = (chunk: Buffer): unknown => chunks.push(chunk);
    this.#inflate.on('data', take);
    this.#inflate.write(block);
    await new Promise<void>((resolve, reject) => {
      this.#inflate.once('error', reject);
      this.#inflate.flush(constants.Z_SYNC_FLUSH, resolve);
    });
    this.#inflate.off('data', take);
    return Buffer.concat(chunks);
  }
}

/** What a client sees of one stream. */
export interface ClientStream {
  readonly id: number;
  readonly chunks: Buffer[];
  replied: boolean;
  finished: boolean;
  reset: number | undefined;
}

/** The client's end of a SPDY connection, as simple as can be: it reads all there is, and answers nothing. */
export class SpdyClient {
  readonly socket: Duplex;
  readonly compressor = new Compressor();
  readonly streams = new Map<number, ClientStream>();
  readonly frames: RawFrame[] = [];
  goaway: number | undefined;
  closed = false;
  #nextId = 1;
  #buffer: Buffer = Buffer.alloc(0);
  #waiting: { check: () => boolean; resolve: () => void }[] = [];

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#close());
    socket.on('end', () => this.#close());
  }

  #close(): void {
    this.closed = true;
    this.#wake();
  }

  async open(headers: Record<string, string>, flags = 0): Promise<ClientStream> {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream: ClientStream = { id, chunks: [], replied: false, finished: false, reset: undefined };
    this.streams.set(id, stream);
    this.socket.write(await this.compressor.synStream(id, headers, flags));
    return stream;
  }

  send(id: number, data: Buffer | string, fin = false): boolean {
    return this.socket.write(dataFrame(id, data, fin));
  }

  /** Resolves as soon as `check` holds. A test's own time limit ends the wait. */
  async until(check: () => boolean): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ check, resolve }));
  }

  textOf(id: number): string {
    return Buffer.concat(this.streams.get(id)?.chunks ?? []).toString();
  }

  #receive(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    while (this.#buffer.length >= 8) {
      const length = this.#buffer.readUIntBE(5, 3);
      if (this.#buffer.length < 8 + length) break;
      const first = this.#buffer.readUInt32BE(0);
      const payload = this.#buffer.subarray(8, 8 + length);
      const isControl = first >= 0x80000000;
      this.#take({ type: isControl ? first & 0xffff : 0, flags: this.#buffer[4] ?? 0, payload, id: isControl ? payload.readUInt32BE(0) : first });
      this.#buffer = this.#buffer.subarray(8 + length);
    }
    this.#wake();
  }

  #take(frame: RawFrame): void {
    const stream = this.streams.get(frame.id);
    if (frame.type !== 0) this.frames.push(frame);
    if (frame.type === 0) {
      stream?.chunks.push(frame.payload);
      if (stream !== undefined && (frame.flags & 1) !== 0) stream.finished = true;
    } else if (frame.type === 2 && stream !== undefined) stream.replied = true;
    else if (frame.type === 3 && stream !== undefined) stream.reset = frame.payload.readUInt32BE(4);
    else if (frame.type === 7) this.goaway = frame.payload.readUInt32BE(4);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ check, resolve }) => (check() ? void resolve() : true));
  }
}
