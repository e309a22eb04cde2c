import { constants } from 'node:fs';
import { chmod, mkdir, open, realpath, rmdir, stat, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import { KmError } from '../base/index.ts';
import { systemCode, unless } from './file-error.ts';
import { mountCommand, unmount } from './mount-command.ts';
import { readMountTable } from './mount-table.ts';

/** A handle that only names a file (linux/fcntl.h); Node has no constant for it. */
const O_PATH = 0o10000000;
const NAME_ONLY = O_PATH | constants.O_NOFOLLOW;

export interface SubPathInput {
  /** The volume on the node. */
  readonly volume: string;
  /** Relative to it; may name a file. Made as a directory, with the volume's mode, when it is not there. */
  readonly subPath: string;
  /** Where it is bound on the node. */
  readonly target: string;
}

/**
 * Binds a path in a volume to `target`, a path that no container can change. The volume's content belongs to containers, which may turn
 * any directory into a link to the node's files at any moment (CVE-2017-1002101, CVE-2021-25741): so each step is
 * opened below the one before, following no link, and what was opened is bound by its handle, not by its name.
 * Links that stay in the volume are resolved beforehand. Throws code `workload` when the path leaves the volume.
 */
export async function holdSubPath({ volume, subPath, target }: SubPathInput): Promise<void> {
  if (isAbsolute(subPath)) throw leaves(subPath);
  const root = await realpath(volume);
  const wanted = join(root, subPath);
  if (!isWithin(root, wanted)) throw leaves(subPath);
  const { existing, missing } = await deepestExisting(wanted);
  if (!isWithin(root, existing)) throw leaves(subPath);

  const steps = [...relative(root, existing).split('/'), ...missing].filter((step) => step !== '');
  const mode = (await stat(root)).mode & 0o7777;
  let handle = await open(root, NAME_ONLY | constants.O_DIRECTORY);
  try {
    for (const step of steps) {
      const next = await openBelow(handle, step, mode);
      await handle.close();
      handle = next;
      // Opened without following, a link would itself be what was opened.
      if ((await handle.stat()).isSymbolicLink()) throw leaves(subPath);
    }
    await makeTarget(target, (await handle.stat()).isDirectory());
    await mountCommand('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${handle.fd}`, target]);
  } finally {
    await handle.close();
  }
}

function leaves(subPath: string): KmError {
  return new KmError('workload', `subPath "${subPath}" leaves its volume`);
}

function isWithin(root: string, path: string): boolean {
  const normal = normalize(path);
  return normal === root || normal.startsWith(root === '/' ? '/' : `${root}/`);
}

/** The real path of the longest part that exists, and the names that are missing below it. */
async function deepestExisting(path: string): Promise<{ existing: string; missing: string[] }> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const existing = await unless(['ENOENT'], realpath(at));
    if (existing !== undefined) return { existing, missing };
    missing.unshift(at.slice(at.lastIndexOf('/') + 1));
  }
}

async function openBelow(parent: FileHandle, name: string, mode: number): Promise<FileHandle> {
  const path = `/proc/self/fd/${parent.fd}/${name}`;
  try {
    return await open(path, NAME_ONLY);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    await unless(['EEXIST'], mkdir(path));
    const made = await open(path, NAME_ONLY | constants.O_DIRECTORY);
    await chmod(`/proc/self/fd/${made.fd}`, mode);
    return made;
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
