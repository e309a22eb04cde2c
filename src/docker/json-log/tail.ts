import { emptyEntry, endsLine, readEntry } from './entry.ts';
import type { LogFile } from './files.ts';

const BLOCK = 64 * 1024;
const NEWLINE = 0x0a;
/** Docker's entries are of at most 16 KiB, each byte of which may be escaped into six; beyond it the file is damaged. */
const LONGEST_ENTRY = 256 * 1024;

/** Where reading begins. */
export interface LogPosition {
  /** Index into the files. */
  readonly file: number;
  /** Bytes from its beginning. */
  readonly offset: number;
}

/**
 * Where the last `lines` lines of a log begin, found by reading backwards: only as much as these lines is read. Lines as the container wrote
 * them; Docker splits long ones into several entries. `size` is that of the newest file: what is written meanwhile does not count.
 */
export async function tailPosition(files: readonly LogFile[], lines: number, size: number): Promise<LogPosition> {
  // One line more is looked for: the end of that one is where reading begins.
  let left = lines + 1;
  let unfinished = true;
  for (let file = files.length - 1; file >= 0; file--) {
    const { handle } = files[file] as LogFile;
    for await (const { end, endsOne } of entriesBackwards(handle, file === files.length - 1 ? size : (await handle.stat()).size)) {
      // The last entry of all may not have ended its line yet: it is a line all the same.
      if (endsOne || unfinished) left--;
      unfinished = false;
      if (left <= 0) return { file, offset: end };
    }
  }
  return { file: 0, offset: 0 };
}

/** The whole entries of a file of that size, last first: where the next one begins, and whether it ended a line. */
async function* entriesBackwards(handle: LogFile['handle'], size: number): AsyncGenerator<{ readonly end: number; readonly endsOne: boolean }> {
  const entry = emptyEntry();
  let position = size;
  /** Bytes from `position` on, up to the newline that ends the entry looked for. */
  let bytes = Buffer.alloc(0);
  let whole = false; // what follows the last newline is not written to its end yet
  for (;;) {
    let end = bytes.length;
    for (;;) {
      const newline = end > 0 ? bytes.lastIndexOf(NEWLINE, end - 1) : -1;
      if (newline < 0) break;
      if (whole) {
        const isEntry = readEntry(bytes, newline + 1, end, entry);
        if (isEntry) yield { end: position + end + 1, endsOne: endsLine(bytes, entry) };
      }
      whole = true;
      end = newline;
    }
    if (position === 0) {
      if (whole && readEntry(bytes, 0, end, entry)) yield { end: end + 1, endsOne: endsLine(bytes, entry) };
      return;
    }
    const block = Math.min(BLOCK, position);
    const kept = end > LONGEST_ENTRY ? 0 : end;
    const grown = Buffer.allocUnsafe(block + kept);
    bytes.copy(grown, block, 0, kept);
    position -= block;
    const { bytesRead } = await handle.read(grown, 0, block, position);
    if (bytesRead < block) return; // cut down meanwhile
    bytes = grown;
  }
}
