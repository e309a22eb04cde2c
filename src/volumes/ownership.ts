import { constants } from 'node:fs';
import { chmod, chown, open, type FileHandle } from 'node:fs/promises';
import { aborted } from '../base/index.ts';
import { unless } from './file-error.ts';
import { entryOf, openNameOnly, pathOf } from './file-handle.ts';
import { walkTree } from './walk-tree.ts';

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
 * alone, and nothing is opened by a name that a container could turn into one meanwhile. However large and deep the volume is, few files are open
 * and little is in memory. Throws code `aborted` with `signal`, and `conflict` where directories were moved meanwhile: it is to be done again.
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
    for await (const { directory, names } of walkTree(root, { mounts: true })) {
      if (signal?.aborted === true) throw aborted(signal);
      const given = await Promise.allSettled(names.map((name) => giveEntry(entryOf(directory, name), group))); // none works on behind our back
      for (const one of given) if (one.status === 'rejected') throw one.reason;
    }
    await give(root, group);
  } finally {
    await root.close();
  }
}

async function giveEntry(path: Buffer, group: number): Promise<void> {
  const entry = await unless(['ENOENT'], openNameOnly(path)); // gone meanwhile
  if (entry === undefined) return;
  try {
    await give(entry, group);
  } finally {
    await entry.close();
  }
}

/** Through the handle, which is the file itself whatever its name means by now. */
async function give(file: FileHandle, group: number): Promise<void> {
  const stats = await file.stat();
  if (stats.isSymbolicLink()) return;
  await chown(pathOf(file), stats.uid, group);
  await chmod(pathOf(file), (stats.mode & 0o7777) | GROUP_WRITES | (stats.isDirectory() ? DIRECTORY : 0));
}
