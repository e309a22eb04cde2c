import { emptyEntry, endsLine, readEntry, writeText, type Entry } from './entry.ts';
import { comparableTime, TIME_LENGTH, writeTime } from './times.ts';

const NEWLINE = 0x0a;

export interface DecoderOptions {
  readonly timestamps: boolean;
  /** Milliseconds since the epoch: what is older is left out. */
  readonly sinceMs?: number;
}

/**
 * Turns the entries of a json-file log into what the container wrote. A line that Docker split is put together again: only its beginning
 * gets a time.
 *
 * Between calls: for each of the two outputs, whether the entry before ended its line.
 */
export class JsonLogDecoder {
  readonly #timestamps: boolean;
  readonly #since: Buffer | undefined;
  readonly #entry: Entry = emptyEntry();
  readonly #time = Buffer.alloc(TIME_LENGTH);
  readonly #lineBegins = { stdout: true, stderr: true };

  constructor({ timestamps, sinceMs }: DecoderOptions) {
    this.#timestamps = timestamps;
    this.#since = sinceMs === undefined ? undefined : comparableTime(sinceMs);
  }

  /**
   * Decodes the whole lines of [0, length) of `bytes`. What follows the last newline is left: `used` tells how much was not. Lines that are no
   * entries (torn by a crash, damaged) are left out, as the kubelet leaves them out.
   */
  decode(bytes: Buffer, length: number): { readonly text: Buffer; readonly used: number } {
    // An entry is longer than its text and time: 58 bytes around the text, 31 for a time.
    const out = Buffer.allocUnsafe(length);
    let at = 0;
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0 || end >= length) break;
      if (readEntry(bytes, start, end, this.#entry)) at = this.#write(bytes, out, at);
      start = end + 1;
    }
    return { text: out.subarray(0, at), used: start };
  }

  #write(bytes: Buffer, out: Buffer, at: number): number {
    const entry = this.#entry;
    const stream = entry.stderr ? 'stderr' : 'stdout';
    const begins = this.#lineBegins[stream];
    this.#lineBegins[stream] = endsLine(bytes, entry);
    if (this.#since === undefined && !(this.#timestamps && begins)) return writeText(bytes, entry, out, at);
    writeTime(entry.time ?? bytes, entry.time === undefined ? entry.timeFrom : 0, entry.time === undefined ? entry.timeTo : entry.time.length, this.#time, 0);
    if (this.#since !== undefined && this.#time.compare(this.#since) < 0) return at;
    if (this.#timestamps && begins) {
      at += this.#time.copy(out, at);
      out[at++] = 0x5a; // Z
      out[at++] = 0x20;
    }
    return writeText(bytes, entry, out, at);
  }
}
