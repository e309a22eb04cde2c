import { lstat, opendir, readdir, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

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

/** What a tree takes on the disk: bytes and inodes. */
export interface TreeSize {
  readonly bytes: number;
  readonly inodes: number;
}

/** More files than this are not counted: nobody may make us walk for minutes. */
const MOST_FILES = 100_000;

/** Walks a tree, links not followed, hard links counted once; `undefined` when there is none, or it has more than `most` files. */
export async function treeSize(path: string, signal: AbortSignal, most = MOST_FILES): Promise<TreeSize | undefined> {
  /** Only what a second name may lead to: a tree can have more files than a set holds well. */
  const seen = new Set<string>();
  let [bytes, inodes] = [0, 0];
  const open = [path];
  try {
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const entry = await lstat(at).catch((error: unknown) => {
        if (at === path) throw error;
        return undefined; // removed while we walk
      });
      if (entry === undefined) continue;
      if (!entry.isDirectory() && entry.nlink > 1) {
        const identity = `${entry.dev}:${entry.ino}`;
        if (seen.has(identity)) continue;
        seen.add(identity);
      }
      inodes++;
      if (inodes > most || signal.aborted) return undefined;
      bytes += entry.blocks * 512;
      if (entry.isDirectory()) for await (const { name } of await opendir(at)) open.push(join(at, name));
    }
  } catch {
    return undefined;
  }
  return { bytes, inodes };
}

/** Bytes of a log with its rotated files, which stand beside it. */
export async function logSize(path: string): Promise<number> {
  const name = basename(path);
  const files = (await readdir(dirname(path)).catch(() => [])).filter((file) => file === name || file.startsWith(`${name}.`));
  const sizes = await Promise.all(files.map((file) => lstat(join(dirname(path), file)).then(({ blocks }) => blocks * 512, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
