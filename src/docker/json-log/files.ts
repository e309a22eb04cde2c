import { open, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** One file of a log, open: it can be read to its end whatever becomes of its name. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: bigint;
}

/** More than Docker keeps for anybody: it bounds the search. */
const MOST_FILES = 1000;
/** Docker renames the files of a log within a fraction of a millisecond; a disk may make it wait. */
const RENAMING_MS = 2;
const MOST_TRIES = 500;

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
 * All files of a log, oldest first, none twice and none missing: while Docker renames them they are looked at again. None when there is no log.
 * The caller closes them.
 */
export async function openLog(path: string): Promise<LogFile[]> {
  for (let tries = 1; ; tries++) {
    const { files, settled } = await openWhatIsThere(path);
    if (settled || tries === MOST_TRIES) return files;
    await closeAll(files);
    await sleep(RENAMING_MS);
  }
}

/** `settled`: no renaming went on meanwhile, by which names lack one in between and another file gets the newest's name. */
async function openWhatIsThere(path: string): Promise<{ readonly files: LogFile[]; readonly settled: boolean }> {
  const files: LogFile[] = [];
  try {
    for (let age = 0; age < MOST_FILES; age++) {
      const file = await openLogFile(rotatedName(path, age));
      if (file === undefined) {
        const gap = (await inodeOf(rotatedName(path, age + 1))) !== undefined;
        return { files, settled: !gap && (await inodeOf(path)) === files.at(-1)?.inode };
      }
      files.unshift(file);
    }
    return { files, settled: true };
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
