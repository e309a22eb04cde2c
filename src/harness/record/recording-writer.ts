import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { KmError } from '../../base/index.ts';
import { RECORDING_FORMAT, type RecordingHeader, type Side } from './recording.ts';

/** A line below the header, in the words of the format; `t` is added. */
export type RecordedLine = { readonly conn: number; readonly from: Side } & Readonly<Record<string, unknown>>;

/**
 * Writes a recording. Every line is with the operating system when `write` returns, so that the death of this process costs at
 * most the line under way. `finish` completes the header, whose `expect` is only known at the end; a file without it can be
 * read as well.
 */
export class RecordingWriter {
  readonly #path: string;
  readonly #file: number;
  readonly #since: number;
  readonly #now: () => number;
  #open = true;

  /** Begins a file that only we can read. Throws code `invalid` when it exists or cannot be written. */
  constructor(path: string, head: Partial<RecordingHeader>, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#since = now();
    try {
      this.#file = openSync(path, 'wx', 0o600);
    } catch (error) {
      throw new KmError('invalid', `cannot write a new file ${path}`, { cause: error });
    }
    this.#append({ format: RECORDING_FORMAT, ...head });
  }

  write(line: RecordedLine): void {
    if (this.#open) this.#append({ t: this.#now() - this.#since, ...line });
  }

  /** Replaces the header, atomically, and closes the file. */
  finish(header: Omit<RecordingHeader, 'format'>): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#file);
    const text = readFileSync(this.#path, 'utf8');
    const whole = `${JSON.stringify({ format: RECORDING_FORMAT, ...header, contentType: header.contentType ?? '' })}${text.slice(text.indexOf('\n'))}`;
    const next = `${this.#path}.new`;
    const file = openSync(next, 'w', 0o600);
    writeSync(file, whole);
    fsyncSync(file);
    closeSync(file);
    renameSync(next, this.#path);
  }

  #append(line: Readonly<Record<string, unknown>>): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
