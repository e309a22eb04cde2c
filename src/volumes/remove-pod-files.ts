import { lstat, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { KmError, messageOf } from '../base/index.ts';
import { fileWork, unless } from './file-error.ts';
import { unmount } from './mount-command.ts';
import { mountsBelow, readMountTable } from './mount-table.ts';
import { MOUNTED_VOLUMES, podDirectory, podsDirectory } from './paths.ts';
import { removeTree } from './remove-tree.ts';

export interface Mounts {
  read(): Promise<ReturnType<typeof mountsBelow>>;
  unmount(mountPoint: string): Promise<void>;
}

/**
 * Unmounts what is mounted below the pod's directory, then removes it. Throws code `internal`, and leaves every file, when
 * something below stays mounted: deleting through a mount would delete somebody's data. Gone already is success.
 */
export async function removePodFiles(rootDir: string, uid: string, mountsOf: (directory: string) => Mounts = systemMounts): Promise<void> {
  await removeBelow(rootDir, uid, ['.'], mountsOf);
}

/**
 * The volumes of a pod whose containers have all ended: unmounted and removed, while its termination messages and logs stay (Kubernetes
 * v1.20 pkg/kubelet/volumemanager: a terminated pod keeps no volume). Errors as of `removePodFiles`.
 */
export async function removePodVolumes(rootDir: string, uid: string): Promise<void> {
  await removeBelow(rootDir, uid, ['volumes', 'volume-subpaths'], systemMounts);
}

async function removeBelow(rootDir: string, uid: string, parts: readonly string[], mountsOf: (directory: string) => Mounts): Promise<void> {
  const directory = podDirectory(rootDir, uid);
  await fileWork(`removing ${directory}`, async () => {
    const found = await unless(['ENOENT'], lstat(directory));
    if (found === undefined) return;
    if (!found.isDirectory()) throw new KmError('internal', `${directory} is no directory: it was not made by us and is left alone`);
    // The mount table has real paths.
    const real = await realpath(directory);
    for (const part of parts) await unmountAll(join(real, part), mountsOf);
    await removeMountPoints(real);
    for (const part of parts) await removeTree(join(directory, part));
  });
}

async function unmountAll(directory: string, mountsOf: (directory: string) => Mounts): Promise<void> {
  const mounts = mountsOf(directory);
  let failure: unknown;
  for (const point of await mounts.read()) {
    await mounts.unmount(point).catch((error: unknown) => {
      failure = error;
    });
  }
  // What counts is what is mounted now, not what umount said.
  const left = await mounts.read();
  if (left.length === 0) return;
  const why = failure === undefined ? '' : `: ${messageOf(failure)}`;
  throw new KmError('internal', `still mounted below ${directory}: ${left.join(', ')}; nothing there is deleted${why}`, { cause: failure });
}

/**
 * Where the node's files or a server's are mounted nothing is ever removed recursively: a mount(8) that we gave up may have come to its end
 * just now. Without its mount such a place is empty; one that is not makes this fail.
 */
async function removeMountPoints(directory: string): Promise<void> {
  for (const kind of Object.values(MOUNTED_VOLUMES)) for (const path of await below(join(directory, 'volumes', kind), 1)) await rmdir(path);
  for (const path of await below(join(directory, 'volume-subpaths'), 3)) {
    if ((await lstat(path)).isDirectory()) await rmdir(path);
    else await unlink(path);
  }
}

/** Paths that lie so many names below a directory. */
async function below(directory: string, depth: number): Promise<string[]> {
  if (depth === 0) return [directory];
  const names = (await unless(['ENOENT'], readdir(directory))) ?? [];
  return (await Promise.all(names.map((name) => below(join(directory, name), depth - 1)))).flat();
}

function systemMounts(directory: string): Mounts {
  return { read: async () => mountsBelow(await readMountTable(), directory), unmount };
}

/** Whether there are files of that pod. */
export async function hasPodFiles(rootDir: string, uid: string): Promise<boolean> {
  return fileWork('looking for files of a pod', async () => (await unless(['ENOENT'], lstat(podDirectory(rootDir, uid)))) !== undefined);
}

/** UIDs of the pods that have a directory below `rootDir`, whether they live or not. */
export async function listPodDirectories(rootDir: string): Promise<string[]> {
  return fileWork('listing pod directories', async () => {
    const entries = (await unless(['ENOENT'], readdir(podsDirectory(rootDir), { withFileTypes: true }))) ?? [];
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  });
}

/**
 * Removes a root directory of which no pod lives any more, with all that is mounted below it. A pod whose files stay holds up no other one,
 * but the root directory, where it has to be found again. Errors as of `removePodFiles`.
 */
export async function removeRootDirectory(rootDir: string): Promise<void> {
  let failure: Error | undefined;
  for (const uid of await listPodDirectories(rootDir)) {
    await removePodFiles(rootDir, uid).catch((error: Error) => {
      failure ??= error;
    });
  }
  if (failure !== undefined) throw failure;
  await fileWork(`removing ${rootDir}`, () => removeTree(rootDir));
}
