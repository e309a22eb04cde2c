import { chmod, chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { mountCommand } from './mount-command.ts';
import { readMountTable } from './mount-table.ts';

/** Everybody may write (Kubernetes v1.20 pkg/volume/emptydir/empty_dir.go). */
const MODE = 0o777;
const SET_GID = 0o2000;
/** A fresh tmpfs has it, and keeps it: with the kubelet only what is left of the rights is set. */
const STICKY = 0o1000;

export interface DirectoryWanted {
  /** A tmpfs, not the node's disk. */
  readonly inMemory: boolean;
  /** Largest size of a tmpfs, bytes; none unless told. */
  readonly sizeBytes?: bigint;
  /** It belongs to that group, and so does what is made in it (pkg/volume/volume_linux.go). */
  readonly group?: number;
}

/** The directory of a volume; one that is there already keeps what is in it. */
export async function makeDirectory(path: string, { inMemory, sizeBytes, group }: DirectoryWanted): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o750 });
  if (inMemory && !(await isTmpfs(path))) await mountTmpfs(path, sizeBytes);
  const now = await lstat(path);
  if (group !== undefined && now.gid !== group) await chown(path, now.uid, group);
  // After chown, which may take the set-group-id bit away; and not by mkdir, which obeys the umask.
  await chmod(path, (now.mode & STICKY) | MODE | (group === undefined ? 0 : SET_GID));
}

async function isTmpfs(path: string): Promise<boolean> {
  const real = await realpath(path);
  return (await readMountTable()).some(({ mountPoint, type }) => mountPoint === real && type === 'tmpfs');
}

async function mountTmpfs(path: string, sizeBytes = 0n): Promise<void> {
  const options = ['nosuid', 'nodev', ...(sizeBytes > 0n ? [`size=${sizeBytes}`] : [])];
  await mountCommand('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', path]);
}
