import { constants } from 'node:fs';
import { chmod, chown, open, readdir, type FileHandle } from 'node:fs/promises';
import { aborted } from '../base/index.ts';
import { systemCode } from './file-error.ts';
import { openNameOnly, pathOf } from './file-handle.ts';

export interface OwnershipWanted {
  /** `fsGroup`. */
  readonly group: number;
  /** Nothing is done when the volume's own directory is as it shall be already. */
  readonly onRootMismatch: boolean;
}

const GROUP_WRITES = 0o660;
const DIRECTORY = 0o2110;

/**
 * Gives a volume and all that is in it to a group, which may write it; what is made in its directories belongs to that group too
 * (Kubernetes v1.20 pkg/volume/volume_linux.go). The volume's own directory comes last: one that has the group is done. Links are left
 * alone, and nothing is opened by a name that a container could turn into one meanwhile. Throws code `aborted` with `signal`.
 */
export async function setOwnership(path: string, { group, onRootMismatch }: OwnershipWanted, signal?: AbortSignal): Promise<void> {
  // Only here a link is followed: the node's owner may have made the volume one.
  const root = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (onRootMismatch) {
      const { gid, mode } = await root.stat();
      const wanted = GROUP_WRITES | DIRECTORY;
      if (gid === group && (mode & wanted) === wanted) return;
    }
    await giveDirectory(root, group, signal);
  } finally {
    await root.close();
  }
}

async function giveDirectory(directory: FileHandle, group: number, signal: AbortSignal | undefined): Promise<void> {
  for (const name of await readdir(pathOf(directory))) {
    if (signal?.aborted === true) throw aborted(signal);
    await giveEntry(directory, name, group, signal);
  }
  await give(directory, group);
}

async function giveEntry(parent: FileHandle, name: string, group: number, signal: AbortSignal | undefined): Promise<void> {
  let entry: FileHandle | undefined;
  try {
    entry = await openNameOnly(`${pathOf(parent)}/${name}`);
    const stats = await entry.stat();
    if (stats.isSymbolicLink()) return;
    if (!stats.isDirectory()) return await give(entry, group);
    const directory = await open(pathOf(entry), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await giveDirectory(directory, group, signal);
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error; // gone meanwhile
  } finally {
    await entry?.close();
  }
}

/** Through the handle, which is the file itself whatever its name means by now. */
async function give(file: FileHandle, group: number): Promise<void> {
  const stats = await file.stat();
  await chown(pathOf(file), stats.uid, group);
  await chmod(pathOf(file), (stats.mode & 0o7777) | GROUP_WRITES | (stats.isDirectory() ? DIRECTORY : 0));
}
