import { lstat, readdir, realpath, rm } from 'node:fs/promises';
import { KmError, messageOf } from '../base/index.ts';
import { fileWork, unless } from './file-error.ts';
import { unmount } from './mount-command.ts';
import { mountsBelow, readMountTable } from './mount-table.ts';
import { podDirectory, podsDirectory } from './paths.ts';

export interface Mounts {
  read(): Promise<ReturnType<typeof mountsBelow>>;
  unmount(mountPoint: string): Promise<void>;
}

/**
 * Unmounts what is mounted below the pod's directory, then removes it. Throws code `internal`, and leaves every file, when
 * something below stays mounted: deleting through a mount would delete somebody's data. Gone already is success.
 */
export async function removePodFiles(rootDir: string, uid: string, mountsOf: (directory: string) => Mounts = systemMounts): Promise<void> {
  const directory = podDirectory(rootDir, uid);
  await fileWork(`removing ${directory}`, async () => {
    const found = await unless(['ENOENT'], lstat(directory));
    if (found === undefined) return;
    if (!found.isDirectory()) throw new KmError('internal', `${directory} is no directory: it was not made by us and is left alone`);
    // The mount table has real paths.
    await unmountAll(await realpath(directory), mountsOf);
    await rm(directory, { recursive: true, force: true });
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

function systemMounts(directory: string): Mounts {
  return { read: async () => mountsBelow(await readMountTable(), directory), unmount };
}

/** UIDs of the pods that have a directory below `rootDir`, whether they live or not. */
export async function listPodDirectories(rootDir: string): Promise<string[]> {
  return fileWork('listing pod directories', async () => {
    const entries = (await unless(['ENOENT'], readdir(podsDirectory(rootDir), { withFileTypes: true }))) ?? [];
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  });
}
