import { constants } from 'node:fs';
import { chmod, mkdir, realpath, rmdir, stat, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { KmError } from '../base/index.ts';
import { systemCode, unless } from './file-error.ts';
import { openNameOnly, pathOf } from './file-handle.ts';
import { mountCommand, unmount } from './mount-command.ts';
import { readMountTable } from './mount-table.ts';

export interface SubPathInput {
  /** The volume on the node. */
  readonly volume: string;
  /** Relative to it; may name a file. Made as a directory, with the volume's mode, when it is not there. */
  readonly subPath: string;
  /** Where it is bound on the node. */
  readonly target: string;
}

/** A volume whose files change while we look is looked at anew so many times: files that we write ourselves do (`write-atomically.ts`). */
const MOST_LOOKS = 10;

/**
 * Binds a path in a volume to `target`, a path that no container can change. The volume's content belongs to containers, which may turn
 * any directory into a link to the node's files at any moment (CVE-2017-1002101, CVE-2021-25741): so each step is
 * opened below the one before, following no link, and what was opened is bound by its handle, not by its name.
 * Links that stay in the volume are resolved beforehand. Throws code `workload` when the path leaves the volume.
 */
export async function holdSubPath({ volume, subPath, target }: SubPathInput): Promise<void> {
  if (isAbsolute(subPath) || subPath.split('/').includes('..')) throw leaves(subPath);
  const root = await realpath(volume);
  for (let look = 1; ; look++) {
    const handle = await openSubPath(root, subPath);
    try {
      await bind(handle, target);
      return;
    } catch (error) {
      if (look === MOST_LOOKS || (await handle.stat()).nlink > 0) throw error; // else it was removed meanwhile
    } finally {
      await handle.close();
    }
  }
}

async function bind(handle: FileHandle, target: string): Promise<void> {
  const held = await handle.stat();
  await makeTarget(target, held.isDirectory());
  await mountCommand('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${handle.fd}`, target]);
  // A mount(8) that took another way to the source than the handle would show here.
  const bound = await stat(target);
  if (bound.ino === held.ino && bound.dev === held.dev) return;
  await unmount(target);
  throw new KmError('internal', `${target} is not what was to be bound there`);
}

async function openSubPath(root: string, subPath: string): Promise<FileHandle> {
  for (let look = 1; ; look++) {
    const { existing, missing } = await deepestExisting(join(root, subPath));
    if (!isWithin(root, existing)) throw leaves(subPath);
    try {
      return await openSteps(root, relative(root, existing).split('/').filter((step) => step !== ''), missing);
    } catch (error) {
      if (error instanceof KmError || look === MOST_LOOKS) throw leaves(subPath, error);
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

async function openSteps(root: string, existing: readonly string[], missing: readonly string[]): Promise<FileHandle> {
  const { mode } = await stat(root);
  let handle = await openNameOnly(root, constants.O_DIRECTORY);
  try {
    for (const [i, step] of [...existing, ...missing].entries()) {
      const path = `${pathOf(handle)}/${step}`;
      const next = i < existing.length ? await openNameOnly(path) : await openOrMake(path, mode & 0o7777);
      await handle.close();
      handle = next;
      // Opened without following, a link would itself be what was opened.
      if ((await handle.stat()).isSymbolicLink()) throw new KmError('workload', 'a link has come in the way');
    }
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function leaves(subPath: string, cause?: unknown): KmError {
  return new KmError('workload', `subPath "${subPath}" leaves its volume`, cause === undefined ? undefined : { cause });
}

function isWithin(root: string, path: string): boolean {
  const normal = normalize(path);
  return normal === root || normal.startsWith(root === '/' ? '/' : `${root}/`);
}

/** The real path of the longest part that exists, and the names that are missing below it. */
async function deepestExisting(path: string): Promise<{ existing: string; missing: string[] }> {
  const missing: string[] = [];
  for (let at = path.replace(/(.)\/+$/, '$1'); ; at = dirname(at)) {
    const existing = await unless(['ENOENT'], realpath(at));
    if (existing !== undefined) return { existing, missing };
    missing.unshift(at.slice(at.lastIndexOf('/') + 1));
  }
}

async function openOrMake(path: string, mode: number): Promise<FileHandle> {
  try {
    return await openNameOnly(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await unless(['EEXIST'], mkdir(path));
    const made = await openNameOnly(path, constants.O_DIRECTORY);
    try {
      await chmod(pathOf(made), mode);
      return made;
    } catch (failure) {
      await made.close();
      throw failure;
    }
  }
}

/** An empty directory or file to bind on; what an earlier attempt has bound there is taken away. */
async function makeTarget(target: string, directory: boolean): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o750 });
  const real = join(await realpath(dirname(target)), target.slice(target.lastIndexOf('/') + 1));
  for (const { mountPoint } of await readMountTable()) if (mountPoint === real) await unmount(target);
  // Neither of the two deletes anything that holds something.
  await unless(['ENOENT', 'ENOTDIR'], rmdir(target));
  await unless(['ENOENT'], unlink(target));
  if (directory) await mkdir(target, { mode: 0o750 });
  else await writeFile(target, '', { mode: 0o640 });
}
