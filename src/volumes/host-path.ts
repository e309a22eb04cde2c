import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { KmError } from '../base/index.ts';
import type { Volume } from '../pod/index.ts';
import { unless } from './file-error.ts';

type HostPath = NonNullable<Volume['hostPath']>;

/** What each type wants, and what the kubelet calls it. */
const CHECKS: Readonly<Record<string, { readonly is: (file: Stats) => boolean; readonly name: string }>> = {
  Directory: { is: (file) => file.isDirectory(), name: 'directory' },
  File: { is: (file) => file.isFile(), name: 'file' },
  Socket: { is: (file) => file.isSocket(), name: 'socket file' },
  CharDevice: { is: (file) => file.isCharacterDevice(), name: 'character device' },
  BlockDevice: { is: (file) => file.isBlockDevice(), name: 'block device' },
};

/**
 * A path of the node as a volume, checked against its type (Kubernetes v1.20 pkg/volume/hostpath/host_path.go). Without
 * a type nothing is checked: Docker makes a directory of a path that is not there.
 */
export async function prepareHostPath({ path, type = '' }: HostPath): Promise<string> {
  if (path.split('/').includes('..')) throw new KmError('workload', `invalid HostPath \`${path}\`: must not contain '..'`);
  if (type === '') return path;
  const wanted = CHECKS[type.replace(/OrCreate$/, '')];
  if (wanted === undefined) throw new KmError('workload', `${type} is an invalid volume type`);
  const found = await unless(['ENOENT', 'ENOTDIR'], stat(path));
  if (found === undefined && type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } else if (found === undefined && type === 'FileOrCreate') {
    await (await open(path, constants.O_CREAT | constants.O_RDONLY, 0o644)).close();
  } else if (found === undefined || !wanted.is(found)) {
    throw new KmError('workload', `hostPath type check failed: ${path} is not a ${wanted.name}`);
  }
  return path;
}
