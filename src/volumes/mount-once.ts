import { mkdir, realpath, rmdir } from 'node:fs/promises';
import { unless } from './file-error.ts';
import { mountCommand, unmount } from './mount-command.ts';
import { readMountTable } from './mount-table.ts';

/**
 * Mounts on `target`, a directory that is made for it, unless something is mounted there: the mount table is the only record of it, so that
 * nothing gets lost when we die in between. A mount that fails leaves nothing. `before` runs when there is something to mount.
 */
export async function mountOnce(target: string, args: readonly string[], options: { signal?: AbortSignal | undefined; before?: () => Promise<void> } = {}): Promise<void> {
  if (await isMountPoint(target)) return;
  await options.before?.();
  await mkdir(target, { recursive: true, mode: 0o750 });
  try {
    await mountCommand('mount', [...args, target], options.signal);
  } catch (error) {
    if (await isMountPoint(target)) await unmount(target);
    await unless(['ENOENT', 'EBUSY', 'ENOTEMPTY'], rmdir(target));
    throw error;
  }
}

/** Asks the mount table, never the file system that may be mounted there: its server may be away. */
async function isMountPoint(path: string): Promise<boolean> {
  const parent = await unless(['ENOENT'], realpath(path.slice(0, path.lastIndexOf('/'))));
  if (parent === undefined) return false;
  const real = `${parent}/${path.slice(path.lastIndexOf('/') + 1)}`;
  return (await readMountTable()).some(({ mountPoint }) => mountPoint === real);
}
