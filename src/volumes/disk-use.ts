import { constants } from 'node:fs';
import { lstat, open, readdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unless } from './file-error.ts';
import { entryOf } from './file-handle.ts';
import { walkTree } from './walk-tree.ts';

/** A file system, bytes. */
export interface FileSystem {
  readonly capacity: number;
  readonly available: number;
  readonly used: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** `undefined` where there is no such path. */
export async function fileSystemAt(path: string): Promise<FileSystem | undefined> {
  try {
    const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
    return { capacity: blocks * bsize, available: bavail * bsize, used: (blocks - bfree) * bsize, inodes: files, inodesFree: ffree };
  } catch {
    return undefined;
  }
}

/** What `stat` counts in, bytes. */
const BLOCK = 512;

/** What a tree takes on the disk: bytes and inodes. */
export interface TreeSize {
  readonly bytes: number;
  readonly inodes: number;
  /** False: there is more, which was not come to. */
  readonly whole: boolean;
}

/**
 * Counts a tree, links not followed, hard links once; however deep and large it is, with little in memory. What was counted until `signal`
 * aborts, or where something could not be looked at, is told as what it is. `undefined` when there is no such directory.
 */
export async function treeSize(path: string, signal: AbortSignal): Promise<TreeSize | undefined> {
  const top = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(() => undefined);
  if (top === undefined) return undefined;
  const { blocks } = await top.stat();
  let [bytes, inodes, whole] = [blocks * BLOCK, 1, true];
  try {
    for await (const { directory, names } of walkTree(top)) {
      signal.throwIfAborted();
      for (const entry of await Promise.all(names.map((name) => unless(['ENOENT'], lstat(entryOf(directory, name)))))) {
        if (entry === undefined) continue; // removed while we walk
        // By shares: a set of what was seen would grow with what containers make. Their other names are in the same tree.
        const links = entry.isDirectory() ? 1 : Math.max(1, entry.nlink);
        bytes += (entry.blocks * BLOCK) / links;
        inodes += 1 / links;
      }
    }
  } catch {
    whole = false;
  } finally {
    await top.close();
  }
  return { bytes: Math.round(bytes), inodes: Math.round(inodes), whole };
}

/** Bytes of a log with its rotated files, which stand beside it. */
export async function logSize(path: string): Promise<number> {
  const name = basename(path);
  const files = (await readdir(dirname(path)).catch(() => [])).filter((file) => file === name || file.startsWith(`${name}.`));
  const sizes = await Promise.all(files.map((file) => lstat(join(dirname(path), file)).then(({ blocks }) => blocks * BLOCK, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
