import { closeSync, fdatasync, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { KmError } from './errors.ts';

/** Bytes that may be appended since the last compaction before the file is rewritten. */
const COMPACT_AFTER_BYTES = 1 << 20;
const HEADER = { format: 'km-journal/1' };

/**
 * An append-only file of JSON entries, one a line behind its CRC-32. `append` has handed the bytes to the kernel when it
 * returns, so the death of this process loses nothing; `fdatasync` follows in the background, many entries at a time, for the
 * death of the host. The file never outgrows its snapshot by more than 1 MiB. Mode 0600.
 *
 * Between awaits: `#fd` is open for append unless closed; at most one fdatasync is under way.
 */
export class Journal<E> {
  readonly #path: string;
  readonly #snapshot: () => Iterable<E>;
  readonly #onError: (error: unknown) => void;
  #fd: number;
  #appended = 0;
  #dirty = false;
  #syncing: Promise<void> | undefined;
  #closed = false;

  private constructor(path: string, fd: number, options: JournalOptions<E>) {
    this.#path = path;
    this.#fd = fd;
    this.#snapshot = options.snapshot;
    this.#onError = options.onError;
  }

  /**
   * Opens the journal at `path` (folders are made) and gives back what it holds. A last record that was torn by a crash is
   * dropped; anything wrong before it is a KmError `invalid` that names the line.
   */
  static open<E>(path: string, options: JournalOptions<E>): { journal: Journal<E>; entries: E[] } {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const { entries, length } = read<E>(path);
    const fd = openSync(path, 'a+', 0o600);
    const journal = new Journal<E>(path, fd, options);
    if (length === 0) journal.#write(lineOf(HEADER));
    else if (length !== journal.#size()) journal.#rewrite(entries);
    return { journal, entries };
  }

  append(entry: E): void {
    if (this.#closed) return;
    const line = lineOf(entry);
    this.#write(line);
    this.#appended += line.length;
    if (this.#appended > COMPACT_AFTER_BYTES) this.compact();
    else this.#sync();
  }

  /** Rewrites the file as what the owner's snapshot holds now. */
  compact(): void {
    this.#rewrite(this.#snapshot());
  }

  /** Resolves when all that was appended before is on the disk. */
  async flush(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    closeSync(this.#fd);
  }

  /** Closes and removes the file: what it holds is over. */
  async discard(): Promise<void> {
    await this.close();
    unlinkSync(this.#path);
  }

  #size(): number {
    return fstatSync(this.#fd).size;
  }

  #write(line: Uint8Array): void {
    for (let at = 0; at < line.length; ) at += writeSync(this.#fd, line, at);
  }

  #rewrite(entries: Iterable<E>): void {
    const temporary = `${this.#path}.new`;
    const fd = openSync(temporary, 'w', 0o600);
    const old = this.#fd;
    this.#fd = fd;
    this.#write(lineOf(HEADER));
    for (const entry of entries) this.#write(lineOf(entry));
    fsyncSync(fd);
    renameSync(temporary, this.#path);
    // An fdatasync of the old file may be under way: it is closed behind that.
    void (this.#syncing ?? Promise.resolve()).then(() => closeSync(old));
    this.#appended = 0;
  }

  #sync(): void {
    this.#dirty = true;
    this.#syncing ??= this.#syncLoop();
  }

  async #syncLoop(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      await new Promise<void>((resolve) => {
        fdatasync(this.#fd, (error) => {
          if (error !== null) this.#onError(error);
          resolve();
        });
      });
    }
    this.#syncing = undefined;
  }
}

export interface JournalOptions<E> {
  /** The entries from which the owner's present state can be rebuilt. */
  readonly snapshot: () => Iterable<E>;
  /** A write to the disk that failed in the background. */
  readonly onError: (error: unknown) => void;
}

function lineOf(entry: unknown): Uint8Array {
  const json = JSON.stringify(entry);
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

/** The entries of the file and how many of its bytes are good. */
function read<E>(path: string): { entries: E[]; length: number } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], length: 0 };
    throw new KmError('internal', `journal ${path} cannot be read`, { cause: error });
  }
  const entries: E[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const entry = end < 0 ? undefined : parse(bytes.toString('utf8', start, end));
    if (entry === undefined) {
      if (end < 0 || end === bytes.length - 1) break; // torn by a crash: it was never acted upon
      throw new KmError('invalid', `journal ${path}: line ${line} is damaged`);
    }
    if (line === 1) checkHeader(path, entry);
    else entries.push(entry as E);
    start = end + 1;
  }
  return { entries, length: start };
}

function parse(line: string): unknown {
  const json = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json);
}

function checkHeader(path: string, header: unknown): void {
  const format = (header as Partial<typeof HEADER>).format;
  if (format !== HEADER.format) throw new KmError('invalid', `journal ${path}: format "${String(format)}" is not ${HEADER.format}`);
}
