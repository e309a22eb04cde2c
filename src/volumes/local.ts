import { realpath, stat } from 'node:fs/promises';
import { KmError } from '../base/index.ts';
import { unless } from './file-error.ts';
import { mountOnce } from './mount-once.ts';
import { mountsBelow, mountsOf, readMountTable } from './mount-table.ts';
import { joinOptions } from './nfs.ts';
import { setOwnership, type OwnershipWanted } from './ownership.ts';
import { podsDirectory } from './paths.ts';

export interface LocalWanted {
  /** Of the persistent volume, for messages. */
  readonly name: string;
  /** A directory of the node. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly mountOptions: readonly string[];
  /** The pod's group, where it has one. */
  readonly ownership?: OwnershipWanted | undefined;
}

export interface LocalOptions {
  readonly rootDir: string;
  readonly signal?: AbortSignal | undefined;
  /** Something that the pod's user should know, and that stops nothing. */
  readonly warn: (reason: string, message: string) => void;
}

/** The path of a `local` volume, once it is known to be a directory. Throws code `workload` in the kubelet's words. */
export async function localDirectory(path: string): Promise<string> {
  const absolute = path.startsWith('/') ? path : `/${path}`;
  const found = await unless(['ENOENT', 'ENOTDIR'], stat(absolute));
  if (found === undefined) throw new KmError('workload', `path "${absolute}" does not exist`);
  if (found.isDirectory()) return absolute;
  throw new KmError('workload', found.isBlockDevice() ? `not supported: ${absolute} is a block device; mount its file system and name that directory` : 'only directory and block device are supported');
}

/**
 * Binds a directory of the node to `target` (Kubernetes v1.20 pkg/volume/local). The first pod that mounts it gives it its group, before the
 * mount is there: a mount that is there is one that has its owner, also when we die in between.
 */
export async function mountLocal(target: string, { name, path, readOnly, mountOptions, ownership }: LocalWanted, { rootDir, signal, warn }: LocalOptions): Promise<void> {
  const before = async (): Promise<void> => {
    if (ownership === undefined) return;
    if (!(await isMountedByPod(path, rootDir))) {
      if (!readOnly) await setOwnership(path, ownership, signal);
      return;
    }
    const { gid } = await stat(path);
    if (gid === ownership.group) return;
    warn('AlreadyMountedVolume', `The requested fsGroup is ${ownership.group}, but the volume ${name} has GID ${gid}. The volume may not be shareable.`);
  };
  await mountOnce(target, ['-o', joinOptions(['bind', ...(readOnly ? ['ro'] : [])], mountOptions).join(','), '--', path], { signal, before });
}

async function isMountedByPod(path: string, rootDir: string): Promise<boolean> {
  const pods = await unless(['ENOENT'], realpath(podsDirectory(rootDir)));
  if (pods === undefined) return false;
  const table = await readMountTable();
  const elsewhere = new Set(mountsOf(table, await realpath(path)));
  return mountsBelow(table, pods).some((point) => elsewhere.has(point));
}
