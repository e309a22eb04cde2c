import { KmError } from '../base/index.ts';

/**
 * Most bytes of one record unless told: the 64 MiB beyond which protobuf's C++ library parses no message, so that no agent
 * can have had a larger task from its master.
 */
export const DEFAULT_RECORD_LIMIT_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;
const ZERO = 0x30;
/** Digits of a length line: leading zeros are allowed, a line without an end is not. */
const LONGEST_LENGTH_LINE = 20;

/** First buffer for a record whose bytes come in pieces; it doubles up to the record's length, never further. */
const FIRST_BUFFER_BYTES = 16 * 1024;

/**
 * Cuts a byte stream into RecordIO records: `<length in decimal>\n<record>`, split anywhere.
 *
 * Holds at most one unfinished record, in a buffer that is at most twice what has arrived of it, whatever length was
 * announced. Once it has thrown, it throws again.
 */
export class RecordDecoder {
  readonly #limitBytes: number;
  #failure: KmError | undefined;
  /** The length line as far as it has come; `#digits` counts its digits. */
  #length = 0;
  #digits = 0;
  #lengthRead = false;
  /** The record as far as it has come: bytes 0 to `#have` of `#buffer`; undefined while a length line is read. */
  #buffer: Uint8Array | undefined;
  #have = 0;

  constructor(options: { limitBytes?: number } = {}) {
    this.#limitBytes = options.limitBytes ?? DEFAULT_RECORD_LIMIT_BYTES;
  }

  /** True between two records: here a stream may end. */
  get atBoundary(): boolean {
    return this.#buffer === undefined && this.#digits === 0;
  }

  /**
   * The records that are complete with this chunk, in order; they may be views of it. To be read to its end. Throws code
   * `invalid`, after the records before the fault, when this is no RecordIO or a record is longer than the limit.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    for (let at = 0; at < chunk.length; ) {
      if (this.#buffer === undefined) {
        at = this.#readLength(chunk, at);
        if (this.#lengthRead && chunk.length - at >= this.#length) {
          const record = chunk.subarray(at, at + this.#length);
          at += this.#length;
          this.#next();
          yield record;
        } else if (this.#lengthRead) {
          this.#buffer = new Uint8Array(Math.min(this.#length, Math.max(FIRST_BUFFER_BYTES, chunk.length - at)));
        }
      } else {
        at = this.#readRecord(chunk, at);
        if (this.#have === this.#length) {
          const record = this.#buffer;
          this.#next();
          yield record;
        }
      }
    }
  }

  /** Throws code `invalid` when the stream ended inside a record. */
  end(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.atBoundary) this.#fail('the stream ended inside a record');
  }

  /** Reads digits up to and with the newline, or to the end of the chunk; where it stopped. */
  #readLength(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (byte === NEWLINE) {
        if (this.#digits === 0) this.#fail('an empty length line');
        this.#lengthRead = true;
        return at + 1;
      }
      if (byte < ZERO || byte > ZERO + 9) this.#fail(`byte 0x${byte.toString(16).padStart(2, '0')} in a length line`);
      if (++this.#digits > LONGEST_LENGTH_LINE) this.#fail('a length line without an end');
      this.#length = this.#length * 10 + (byte - ZERO);
      if (this.#length > this.#limitBytes) this.#fail(`a record of more than ${this.#limitBytes} bytes`);
    }
    return chunk.length;
  }

  #readRecord(chunk: Uint8Array, at: number): number {
    const taken = Math.min(chunk.length - at, this.#length - this.#have);
    this.#room(this.#have + taken).set(chunk.subarray(at, at + taken), this.#have);
    this.#have += taken;
    return at + taken;
  }

  /** Ready for the next length line. */
  #next(): void {
    this.#length = 0;
    this.#digits = 0;
    this.#lengthRead = false;
    this.#buffer = undefined;
    this.#have = 0;
  }

  #room(bytes: number): Uint8Array {
    const old = this.#buffer as Uint8Array;
    if (bytes <= old.length) return old;
    const larger = new Uint8Array(Math.min(this.#length, Math.max(bytes, old.length * 2)));
    larger.set(old.subarray(0, this.#have));
    this.#buffer = larger;
    return larger;
  }

  #fail(what: string): never {
    this.#buffer = undefined;
    this.#failure = new KmError('invalid', `RecordIO: ${what}`);
    throw this.#failure;
  }
}

/** One record with its length line. */
export function encodeRecord(record: Uint8Array): Uint8Array {
  const line = new TextEncoder().encode(`${record.length}\n`);
  const whole = new Uint8Array(line.length + record.length);
  whole.set(line);
  whole.set(record, line.length);
  return whole;
}
