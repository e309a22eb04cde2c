import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** A handle that only names a file (linux/fcntl.h); Node has no constant for it. */
const O_PATH = 0o10000000;

/**
 * A handle on what a name means now, a link itself included: it opens no device and waits for no FIFO. What is done through `pathOf` it is done
 * to that very file, whatever its name means by then.
 */
export function openNameOnly(path: string | Buffer, flags = 0): Promise<FileHandle> {
  return open(path, O_PATH | constants.O_NOFOLLOW | flags);
}

/** The open file as a path for system calls of this process. */
export function pathOf(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

/**
 * An entry of an open directory, as a path that is short whatever the directory's own is. `name` as it is listed with the encoding `latin1`:
 * a name is any bytes, and one that is no UTF-8 must not become another one.
 */
export function entryOf(directory: FileHandle, name: string): Buffer {
  return Buffer.from(`${pathOf(directory)}/${name}`, 'latin1');
}
