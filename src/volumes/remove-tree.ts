import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { open, opendir, rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { systemCode, unless } from './file-error.ts';
import { entryOf, pathOf } from './file-handle.ts';

/** Entries of a directory that are worked on at a time: so many handles are open, and so many names in memory, however large the tree is. */
const SIDE_BY_SIDE = 32;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Removes a tree as deep and as large as containers can make one. Each directory in it is first moved to the top, under a name that nobody
 * knows, and then emptied: so nothing is further away than one directory, no path gets too long, no list is kept. The move also protects what
 * is not ours: the kernel refuses it (EBUSY) where something is mounted, and no link is followed. What cannot be removed stays, all else
 * goes, then the first failure is thrown. Gone already is success.
 */
export async function removeTree(path: string): Promise<void> {
  const top = await unless(['ENOENT', 'ENOTDIR', 'ELOOP'], open(path, DIRECTORY));
  if (top === undefined) {
    await unless(['ENOENT'], unlink(path));
    return;
  }
  try {
    await new Removal(top).run();
  } finally {
    await top.close();
  }
  await unless(['ENOENT'], rmdir(path));
}

class Removal {
  readonly #top: FileHandle;
  readonly #mark = `.${randomBytes(8).toString('hex')}.`;
  #names = 0;
  #lifted = 0;
  #failure: unknown;

  constructor(top: FileHandle) {
    this.#top = top;
  }

  async run(): Promise<void> {
    let before: number;
    do {
      before = this.#lifted;
      await this.#each(this.#top, (entry) => this.#remove(entry));
    } while (this.#lifted > before); // a listing need not show what came while it was read
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Removes an entry of the top. Of a directory all is gone but those in it, which stand beside it by then. */
  async #remove(entry: Dirent): Promise<void> {
    if (!entry.isDirectory()) return unlink(entryOf(this.#top, entry.name));
    const path = entry.name.startsWith(this.#mark) ? entryOf(this.#top, entry.name) : await this.#lift(this.#top, entry.name);
    const directory = await open(path, DIRECTORY);
    try {
      await this.#each(directory, (inner) => (inner.isDirectory() ? this.#lift(directory, inner.name) : unlink(entryOf(directory, inner.name))));
    } finally {
      await directory.close();
    }
    await rmdir(path);
  }

  /** Moves a directory to the top and gives its path there. */
  async #lift(from: FileHandle, name: string): Promise<Buffer> {
    const path = entryOf(this.#top, `${this.#mark}${this.#names++}`);
    await rename(entryOf(from, name), path);
    this.#lifted++;
    return path;
  }

  async #each(directory: FileHandle, work: (entry: Dirent) => Promise<unknown>): Promise<void> {
    let batch: Dirent[] = [];
    const workOff = async (): Promise<void> => {
      for (const result of await Promise.allSettled(batch.map(work))) {
        if (result.status === 'rejected' && systemCode(result.reason) !== 'ENOENT') this.#failure ??= result.reason;
      }
      batch = [];
    };
    for await (const entry of await opendir(pathOf(directory), { encoding: 'latin1', bufferSize: SIDE_BY_SIDE })) {
      if (batch.push(entry) === SIDE_BY_SIDE) await workOff();
    }
    await workOff();
  }
}
