import { closeSync, constants, fdatasync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { isNoSpace, KmError } from './errors.ts';

/** Bytes that may be appended since the last compaction before the file is rewritten. */
const COMPACT_AFTER_BYTES = 1 << 20;
/** Zeros that the file keeps behind its entries, bytes: what can be said on a disk that is full. */
const RESERVE_BYTES = 128 << 10;
/** By how much it grows, bytes. */
const STEP_BYTES = 64 << 10;
/** With less left nobody should begin to work, bytes. */
const LEAST_BYTES = 16 << 10;
const HEADER = { format: 'km-journal/1' };

/**
 * An append-only file of JSON entries, one a line behind its CRC-32. `append` has handed the bytes to the kernel when it
 * returns, so the death of this process loses nothing; `fdatasync` follows in the background, many entries at a time, for the
 * death of the host. That the file is there, or has taken the place of the one before, is on the disk before anything more is said in it.
 * It never outgrows its snapshot by much more than 1 MiB. Mode 0600.
 *
 * Behind its entries the file has room already, as zeros: on a disk that is full so much can still be said. What a crash of the host
 * leaves of a line has zeros in it, which no line has.
 *
 * Between awaits: `#fd` is open unless closed, `#end` bytes of the file are entries and all behind them up to `#size` are zeros; at most
 * one fdatasync is under way.
 */
export class Journal<E> {
  readonly #path: string;
  readonly #snapshot: () => Iterable<E>;
  readonly #onError: (error: unknown) => void;
  #fd: number;
  #end: number;
  #size: number;
  #full = false;
  #appended = 0;
  #dirty = false;
  #syncing: Promise<void> | undefined;
  #closed = false;

  private constructor(path: string, { fd, end, size }: Opened, options: JournalOptions<E>) {
    this.#path = path;
    this.#fd = fd;
    this.#end = end;
    this.#size = size;
    this.#snapshot = options.snapshot;
    this.#onError = options.onError;
  }

  /**
   * Opens the journal at `path` (folders are made) and gives back what it holds. A last record that was torn by a crash is
   * dropped; anything wrong before it is a `DamagedJournal` that names the line. Code `no-space`: nothing can be appended.
   */
  static open<E>(path: string, options: JournalOptions<E>): { journal: Journal<E>; entries: E[] } {
    const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const { entries, end, size, torn } = read<E>(path);
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    const journal = new Journal<E>(path, { fd, end, size }, options);
    try {
      if (torn) writeAll(fd, Buffer.alloc(size - end), end); // in its place: a full disk has room for that
      const header = end === 0 ? lineOf(HEADER) : new Uint8Array();
      if (!journal.makeRoom(header.length) && journal.#size - journal.#end < LEAST_BYTES) throw noSpace(path);
      if (end === 0) for (const folder of foldersUpTo(path, made)) syncFolder(folder);
      journal.#write(header);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return { journal, entries };
  }

  /** What the journal at `path` holds; nothing is written, whoever owns it. Nothing where there is none. Throws as `open` does when it is damaged. */
  static read<E>(path: string): E[] {
    return read<E>(path).entries;
  }

  /** The disk is full: what is left is kept for what has to be said. */
  get isFull(): boolean {
    return this.#full;
  }

  /**
   * The owner takes an entry into its state only when this returns, and takes it at once. Throws code `no-space` when the disk is full and what was
   * kept for that is used up; then nothing is written.
   */
  append(entry: E): void {
    if (this.#closed) return;
    if (this.#appended > COMPACT_AFTER_BYTES) this.#compactIfRoom(); // before the entry: the snapshot does not know it yet
    const line = lineOf(entry);
    if (!this.makeRoom(line.length) && this.#size - this.#end - line.length < RESERVE_BYTES / 2 && this.#appended > RESERVE_BYTES / 2) this.#squeeze();
    this.#write(line);
    this.#appended += line.length;
    this.#sync();
  }

  /** Whether there is room for so many bytes more without touching what is kept for a full disk. */
  makeRoom(bytes: number): boolean {
    const wanted = this.#end + bytes + RESERVE_BYTES;
    if (this.#size < wanted) this.#size = grow(this.#fd, this.#size, wanted + STEP_BYTES);
    this.#full = this.#size < wanted;
    return !this.#full;
  }

  /** Rewrites the file as what the owner's snapshot holds now. Throws code `no-space`, and then all is as before. */
  compact(): void {
    const temporary = temporaryOf(this.#path);
    const fd = openSync(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
    let end = 0;
    try {
      for (const entry of [HEADER, ...this.#snapshot()]) end = writeAll(fd, lineOf(entry), end);
      this.#size = grow(fd, end, end + RESERVE_BYTES + STEP_BYTES);
      fsyncSync(fd);
      renameSync(temporary, this.#path);
    } catch (error) {
      closeSync(fd);
      rmSync(temporary, { force: true });
      throw isNoSpace(error) ? noSpace(this.#path, error) : error;
    }
    const old = this.#fd;
    this.#fd = fd;
    this.#end = end;
    // An fdatasync of the old file may be under way: it is closed behind that.
    const close = (): void => closeSync(old);
    if (this.#syncing === undefined) close();
    else void this.#syncing.then(close);
    this.#appended = 0;
    try {
      syncFolder(dirname(this.#path));
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Resolves when all that was appended before is on the disk. */
  async flush(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    if (!this.#full) ftruncateSync(this.#fd, this.#end);
    closeSync(this.#fd);
  }

  /** Closes and removes the file: what it holds is over. */
  async discard(): Promise<void> {
    await this.close();
    removeJournal(this.#path);
  }

  #write(line: Uint8Array): void {
    if (this.#end + line.length > this.#size) throw noSpace(this.#path);
    this.#end = writeAll(this.#fd, line, this.#end);
  }

  /** Without room the file just goes on growing, and it is tried again later. */
  #compactIfRoom(): void {
    try {
      this.compact();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.#appended -= STEP_BYTES;
    }
  }

  /** The disk is full and stays so: what is left of the reserve may be enough for the snapshot, which needs less than all that was said. */
  #squeeze(): void {
    ftruncateSync(this.#fd, this.#end);
    const kept = this.#size;
    this.#size = this.#end;
    this.#appended = 0;
    try {
      this.compact();
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.#size = grow(this.#fd, this.#end, kept);
    }
  }

  #sync(): void {
    this.#dirty = true;
    this.#syncing ??= this.#syncLoop();
  }

  /** Rejects, which ends the process, when what was written can be brought to the disk neither here nor in a new file. */
  async #syncLoop(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      const error = await new Promise((resolve) => fdatasync(this.#fd, resolve));
      if (error === null) continue;
      this.#onError(error);
      // The kernel forgets what it could not write: a second fdatasync would find nothing wrong.
      this.compact();
    }
    this.#syncing = undefined;
  }
}

/** A journal of which nobody can say what it holds, but for its first `entries`. */
export class DamagedJournal extends KmError {
  readonly entries: readonly unknown[];

  constructor(message: string, entries: readonly unknown[]) {
    super('invalid', message);
    this.entries = entries;
  }
}

/** Removes a journal that nobody has open, with what a death in the middle of a compaction has left beside it. */
export function removeJournal(path: string): void {
  rmSync(temporaryOf(path), { force: true });
  rmSync(path, { force: true });
}

function temporaryOf(path: string): string {
  return `${path}.new`;
}

interface Opened {
  readonly fd: number;
  readonly end: number;
  readonly size: number;
}

export interface JournalOptions<E> {
  /** The entries from which the owner's present state can be rebuilt: all that were appended, without the one that is being appended. */
  readonly snapshot: () => Iterable<E>;
  /** A write to the disk that failed in the background. */
  readonly onError: (error: unknown) => void;
}

function lineOf(entry: unknown): Uint8Array {
  const json = JSON.stringify(entry);
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

/** Writes at that place; gives the place behind it. */
function writeAll(fd: number, bytes: Uint8Array, position: number): number {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
  return position + bytes.length;
}

/** Makes a file of `size` bytes one of `wanted`, with zeros; gives the size that it has then, which is less where the disk is full. */
function grow(fd: number, size: number, wanted: number): number {
  const zeros = Buffer.alloc(Math.max(0, wanted - size));
  let grown = 0;
  try {
    while (grown < zeros.length) grown += writeSync(fd, zeros, grown, zeros.length - grown, size + grown);
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  }
  return size + grown;
}

/** The folder of a file, and all above it up to the one in which `made`, the first that was missing, is. */
function foldersUpTo(path: string, made: string | undefined): string[] {
  const folders = [dirname(path)];
  for (let folder = dirname(path); made !== undefined && folder.length >= made.length; folder = dirname(folder)) folders.push(dirname(folder));
  return folders;
}

/** The names in a folder are on the disk when it returns. */
function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error; // a file system that cannot
  } finally {
    closeSync(fd);
  }
}

function noSpace(path: string, cause?: unknown): KmError {
  return new KmError('no-space', `journal ${path}: no space left on device`, { cause });
}

/** The entries of the file, and how many of its bytes are good. `torn`: there are others. */
function read<E>(path: string): { entries: E[]; end: number; size: number; torn: boolean } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], end: 0, size: 0, torn: false };
    throw new KmError('internal', `journal ${path} cannot be read`, { cause: error });
  }
  const entries: E[] = [];
  let start = 0;
  for (let line = 1; start < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, start);
    const entry = end < 0 ? undefined : parse(bytes.toString('utf8', start, end));
    if (entry === undefined) {
      // Torn by a crash: it was never acted upon, or never promised to be on the disk.
      if (end < 0 || end === bytes.length - 1 || bytes[end + 1] === 0 || bytes.subarray(start, end).includes(0)) break;
      throw new DamagedJournal(`journal ${path}: line ${line} is damaged`, entries);
    }
    if (line === 1) checkHeader(path, entry);
    else entries.push(entry as E);
    start = end + 1;
  }
  return { entries, end: start, size: bytes.length, torn: !bytes.subarray(start).equals(Buffer.alloc(bytes.length - start)) };
}

function parse(line: string): unknown {
  const json = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json);
}

function checkHeader(path: string, header: unknown): void {
  const format = (header as Partial<typeof HEADER>).format;
  if (format !== HEADER.format) throw new DamagedJournal(`journal ${path}: format "${String(format)}" is not ${HEADER.format}`, []);
}
