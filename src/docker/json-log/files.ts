import { open, stat, type FileHandle } from 'node:fs/promises';

/** One file of a log, open: it can be read to its end whatever becomes of its name. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
}

/** More than Docker keeps for anybody: it bounds the search. */
const MOST_FILES = 1000;

export async function openLogFile(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return { handle, inode: (await handle.stat({ bigint: true })).ino };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Docker renames `x-json.log` to `.1`, `.1` to `.2` and so on, then makes a new one. */
function rotatedName(path: string, age: number): string {
  return age === 0 ? path : `${path}.${age}`;
}

/**
 * All files of a log, oldest first. They are opened from the newest on: one that is rotated meanwhile is seen twice, and none is missed.
 * The caller closes them.
 */
export async function openLog(path: string): Promise<LogFile[]> {
  const files: LogFile[] = [];
  try {
    for (let age = 0; age < MOST_FILES; age++) {
      const file = await openLogFile(rotatedName(path, age));
      // The newest is missing for a moment while it is being rotated.
      if (file === undefined && age > 0) break;
      if (file === undefined) continue;
      if (files.some(({ inode }) => inode === file.inode)) await file.handle.close();
      else files.unshift(file);
    }
    return files;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** The file that Docker wrote after `file`, open; `undefined` while `file` is the newest. */
export async function openNext(path: string, file: LogFile): Promise<LogFile | undefined> {
  if ((await inodeOf(path)) === file.inode) return undefined;
  const files = await openLog(path);
  const index = files.findIndex(({ inode }) => inode === file.inode);
  // Rotated away altogether while it was read: the oldest that is left comes next.
  const next = files[index + 1];
  await closeAll(files.filter((one) => one !== next));
  return next;
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  return stat(path, { bigint: true }).then(({ ino }) => ino, () => undefined);
}

export async function closeAll(files: readonly LogFile[]): Promise<void> {
  await Promise.all(files.map(({ handle }) => handle.close()));
}
