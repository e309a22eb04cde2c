import { chmod, chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { KmError } from '../base/index.ts';
import { parseQuantity, toBytes, type ValidPod, type Volume } from '../pod/index.ts';
import { mountCommand } from './mount-command.ts';
import { readMountTable } from './mount-table.ts';
import { emptyDirPath } from './paths.ts';

/** Everybody may write (Kubernetes v1.20 pkg/volume/emptydir/empty_dir.go). */
const MODE = 0o777;
const SET_GID = 0o2000;

/**
 * The directory of an emptyDir volume: on the node's disk, or a tmpfs with medium Memory, at most `sizeLimit` large. With an
 * `fsGroup` it belongs to that group, and so does what is made in it (pkg/volume/volume_linux.go).
 */
export async function prepareEmptyDir(rootDir: string, pod: ValidPod, volume: Volume): Promise<string> {
  const path = emptyDirPath(rootDir, pod.metadata.uid, volume.name);
  const { medium = '', sizeLimit } = volume.emptyDir ?? {};
  if (medium !== '' && medium !== 'Memory') throw new KmError('workload', `unknown storage medium "${medium}"`);
  const fsGroup = pod.spec.securityContext?.fsGroup;
  const mode = fsGroup === undefined ? MODE : MODE | SET_GID;

  await mkdir(path, { recursive: true, mode: 0o750 });
  if (medium === 'Memory' && !(await isTmpfs(path))) await mountTmpfs(path, sizeLimit);
  const now = await lstat(path);
  if (fsGroup !== undefined && now.gid !== fsGroup) await chown(path, now.uid, fsGroup);
  // After chown, which may take the set-group-id bit away; and not by mkdir, which obeys the umask.
  await chmod(path, mode);
  return path;
}

async function isTmpfs(path: string): Promise<boolean> {
  const real = await realpath(path);
  return (await readMountTable()).some(({ mountPoint, type }) => mountPoint === real && type === 'tmpfs');
}

async function mountTmpfs(path: string, sizeLimit: string | undefined): Promise<void> {
  const bytes = sizeLimit === undefined ? 0n : toBytes(parseQuantity(sizeLimit));
  const options = ['nosuid', 'nodev', ...(bytes > 0n ? [`size=${bytes}`] : [])];
  await mountCommand('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', path]);
}
