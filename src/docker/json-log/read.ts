import { aborted } from '../../base/index.ts';
import type { LogRange } from '../process-streams.ts';
import { LogChanges } from './changes.ts';
import { JsonLogDecoder } from './decoder.ts';
import { closeAll, openLog, openNext, type LogFile } from './files.ts';
import { tailPosition } from './tail.ts';

/** Read at once; what a reader holds in memory is a small multiple of it. */
const BLOCK = 256 * 1024;
/** See `tail.ts`: what is longer is no entry, and skipped. */
const LONGEST_ENTRY = 256 * 1024;

export interface LogSource {
  /** Of the newest file. */
  readonly path: string;
  /** Resolves when the container has ended, and so nothing more is written. */
  readonly ended: (signal: AbortSignal) => Promise<void>;
}

/**
 * What a container wrote, from the files of Docker's json-file driver. Every entry comes once, however often Docker rotates meanwhile (unless it deletes
 * a file that was not begun yet). Ends where the log ends at the call, or with `follow` when the container has ended.
 */
export async function* readJsonLog({ path, ended }: LogSource, range: LogRange, signal: AbortSignal): AsyncGenerator<Buffer> {
  const decoder = new JsonLogDecoder(range);
  const files = await openLog(path);
  let reader: FileReader | undefined;
  try {
    // The last lines are those before `size`: one that is written while they are looked for and read would be one too many.
    const size = (await files.at(-1)?.handle.stat())?.size ?? 0;
    const start = range.tailLines === undefined ? { file: 0, offset: 0 } : await tailPosition(files, range.tailLines, size);
    await closeAll(files.splice(0, start.file));
    let offset = start.offset;
    while (files.length > 0) {
      await reader?.file.handle.close();
      reader = new FileReader(files.shift() as LogFile, offset, decoder);
      offset = 0;
      yield* reader.toEnd(signal, files.length > 0 || range.follow ? undefined : size);
    }
    if (range.follow && reader !== undefined) {
      for await (const text of follow(path, reader, ended, signal)) yield text;
    }
  } finally {
    await closeAll(files);
    await reader?.close();
  }
}

async function* follow(path: string, reader: FileReader, ended: LogSource['ended'], signal: AbortSignal): AsyncGenerator<Buffer> {
  using changes = new LogChanges(path);
  const stop = new AbortController();
  const onAbort = (): void => changes.tell();
  signal.addEventListener('abort', onAbort, { once: true });
  let over = false;
  let failure: unknown;
  const watching = ended(AbortSignal.any([stop.signal, signal]))
    .catch((error: unknown) => (failure = error))
    .finally(() => {
      over = true;
      changes.tell();
    });
  try {
    for (;;) {
      changes.forget();
      const last = over;
      yield* reader.toEnd(signal);
      const next = await openNext(path, reader.file);
      if (next !== undefined) {
        // Docker wrote it to its end before it renamed it.
        yield* reader.toEnd(signal);
        await reader.turnTo(next);
        changes.tell();
        continue;
      }
      if (signal.aborted) throw aborted(signal);
      if (last) break;
      await changes.next();
    }
    if (failure !== undefined) throw failure;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop.abort();
    await watching;
  }
}

/** Reads on in one file, and then in the one that follows it. Between calls: the bytes before `#offset` are read; `#rest` begins an entry. */
class FileReader {
  file: LogFile;
  readonly #decoder: JsonLogDecoder;
  readonly #block = Buffer.allocUnsafe(BLOCK + LONGEST_ENTRY);
  #offset: number;
  /** Bytes at the beginning of `#block` that wait for the rest of their line. */
  #rest = 0;

  constructor(file: LogFile, offset: number, decoder: JsonLogDecoder) {
    this.file = file;
    this.#offset = offset;
    this.#decoder = decoder;
  }

  /** To the end of the file, or to where it was `size` bytes long. */
  async *toEnd(signal: AbortSignal, size = Infinity): AsyncGenerator<Buffer> {
    while (this.#offset < size) {
      if (signal.aborted) throw aborted(signal);
      const { bytesRead } = await this.file.handle.read(this.#block, this.#rest, Math.min(BLOCK, size - this.#offset), this.#offset);
      if (bytesRead === 0) {
        if (size !== Infinity || (await this.file.handle.stat()).size >= this.#offset) return;
        // Docker empties the only file of a log that may have no other.
        this.#offset = 0;
        this.#rest = 0;
        continue;
      }
      this.#offset += bytesRead;
      const length = this.#rest + bytesRead;
      const { text, used } = this.#decoder.decode(this.#block, length);
      this.#block.copyWithin(0, used, length);
      this.#rest = length - used > LONGEST_ENTRY ? 0 : length - used;
      if (text.length > 0) yield text;
    }
  }

  /** An entry that the last file did not end is lost: Docker was killed while it wrote it. */
  async turnTo(next: LogFile): Promise<void> {
    const before = this.file;
    this.file = next;
    this.#offset = 0;
    this.#rest = 0;
    await before.handle.close();
  }

  async close(): Promise<void> {
    await this.file.handle.close();
  }
}
