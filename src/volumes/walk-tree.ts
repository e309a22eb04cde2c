import { constants, type Dir } from 'node:fs';
import { open, opendir, type FileHandle } from 'node:fs/promises';
import { KmError } from '../base/index.ts';
import { unless } from './file-error.ts';
import { entryOf, pathOf } from './file-handle.ts';

/** Entries that are looked at side by side. */
const AT_A_TIME = 32;
/** Directories that are held open: the deepest ones. Those above are found again through `..`. */
const MOST_OPEN = 16;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Some entries of a directory, named as `entryOf` wants them. */
export interface Entries {
  readonly directory: FileHandle;
  readonly names: readonly string[];
}

/**
 * Goes through a tree as deep and as large as containers can make one: by handles, of which few are open, and with little in memory. No link
 * is followed; mounts are entered only with `mounts`. Each entry comes once, before what is in it; one that comes or goes meanwhile may be missed. Throws code
 * `conflict`, at the end, where somebody has moved directories away under our feet; else what the system says.
 */
export async function* walkTree(top: FileHandle, { mounts = false } = {}): AsyncGenerator<Entries> {
  const first = await Level.of(top);
  const levels = [first];
  let isWhole = true;
  try {
    yield* first.entries();
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const below = await level.enterNext(mounts ? undefined : first);
      if (below !== undefined) {
        levels.push(below);
        if (levels.length > MOST_OPEN + 1) await levels.at(-1 - MOST_OPEN)?.letGo();
        yield* below.entries();
        continue;
      }
      if (levels.length > 2 && !(await levels.at(-2)?.isAbove(level))) {
        isWhole = false;
        for (const lost of levels.splice(1, levels.length - 2)) await lost.letGo();
      }
      levels.pop();
      if (level !== first) await level.letGo();
    }
  } finally {
    await first.shut();
    for (const level of levels.slice(1)) await level.letGo();
  }
  if (!isWhole) throw new KmError('conflict', 'directories were moved while somebody went through them');
}

/** A directory on the way, with what has been gone into of it. */
class Level {
  #handle: FileHandle | undefined;
  readonly #dev: number;
  readonly #ino: number;
  #listing: Dir | undefined;
  /** Directories in it, where one look has shown all of them. */
  #names: string[] | undefined;
  #hasDirectories = false;
  #entered = 0;

  private constructor(handle: FileHandle, dev: number, ino: number) {
    this.#handle = handle;
    this.#dev = dev;
    this.#ino = ino;
  }

  static async of(handle: FileHandle): Promise<Level> {
    const { dev, ino } = await handle.stat();
    return new Level(handle, dev, ino);
  }

  static async open(path: Buffer): Promise<Level> {
    const handle = await open(path, DIRECTORY);
    try {
      return await Level.of(handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async *entries(): AsyncGenerator<Entries> {
    const directory = this.#open;
    let [names, directories, looks]: [string[], string[], number] = [[], [], 0];
    for await (const entry of await this.#list()) {
      if (entry.isDirectory()) directories.push(entry.name);
      if (names.push(entry.name) < AT_A_TIME) continue;
      this.#hasDirectories ||= directories.length > 0;
      yield { directory, names };
      looks++;
      [names, directories] = [[], []];
    }
    this.#hasDirectories ||= directories.length > 0;
    if (looks === 0) this.#names = directories;
    if (names.length > 0) yield { directory, names };
  }

  /** The next directory in it that is (still) one, on the same file system as `top` where that is given; `undefined` after the last one. */
  async enterNext(top: Level | undefined): Promise<Level | undefined> {
    for (let name = await this.#next(); name !== undefined; name = await this.#next()) {
      const level = await unless(['ENOENT', 'ENOTDIR', 'ELOOP'], Level.open(entryOf(this.#open, name)));
      if (level === undefined) continue;
      if (top === undefined || level.#dev === top.#dev) return level;
      await level.letGo();
    }
    return undefined;
  }

  async #next(): Promise<string | undefined> {
    if (!this.#hasDirectories) return undefined;
    if (this.#names !== undefined) return this.#names[this.#entered++];
    if (this.#listing === undefined) {
      this.#listing = await this.#list();
      for (let skipped = 0; skipped < this.#entered; skipped++) await nextDirectory(this.#listing);
    }
    this.#entered++;
    return nextDirectory(this.#listing);
  }

  #list(): Promise<Dir> {
    return opendir(pathOf(this.#open), { encoding: 'latin1', bufferSize: AT_A_TIME });
  }

  get #open(): FileHandle {
    if (this.#handle === undefined) throw new KmError('internal', 'a directory was let go too early');
    return this.#handle;
  }

  /** Whether that is in here, as it was when it was entered. Opens this one again where it was let go. */
  async isAbove(below: Level): Promise<boolean> {
    if (this.#handle !== undefined) return true;
    const above = await Level.open(entryOf(below.#open, '..'));
    if (above.#dev === this.#dev && above.#ino === this.#ino) {
      this.#handle = above.#handle;
      return true;
    }
    await above.letGo();
    return false;
  }

  async shut(): Promise<void> {
    await this.#listing?.close();
    this.#listing = undefined;
    this.#names = undefined;
  }

  async letGo(): Promise<void> {
    await this.shut();
    await this.#handle?.close();
    this.#handle = undefined;
  }
}

async function nextDirectory(listing: Dir): Promise<string | undefined> {
  for (let entry = await listing.read(); entry !== null; entry = await listing.read()) if (entry.isDirectory()) return entry.name;
  return undefined;
}
