import { access } from 'node:fs/promises';
import { KmError } from '../base/index.ts';
import { unless } from './file-error.ts';
import { mountOnce } from './mount-once.ts';

/** mount(8) runs it for this type; it comes with the node's NFS client. */
const HELPER = '/sbin/mount.nfs';

export interface NfsWanted {
  readonly server: string;
  readonly path: string;
  readonly readOnly: boolean;
  readonly mountOptions: readonly string[];
}

/**
 * A directory of a file server, mounted on `target` (Kubernetes v1.20 pkg/volume/nfs). Its files keep their owners. Throws code `workload`
 * where the node has no NFS client, `internal` with mount(8)'s words.
 */
export async function mountNfs(target: string, wanted: NfsWanted, signal?: AbortSignal, helper = HELPER): Promise<void> {
  if ((await unless(['ENOENT'], access(helper).then(() => true))) !== true) {
    throw new KmError('workload', `mount failed: the node has no ${helper}, so it cannot mount nfs; install its NFS client (Debian: nfs-common)`);
  }
  await mountOnce(target, nfsMount(wanted), { signal });
}

/** Arguments of mount(8) before the target. What comes from the pod follows `--`: it can be no option. */
export function nfsMount({ server, path, readOnly, mountOptions }: NfsWanted): string[] {
  const options = joinOptions(mountOptions, readOnly ? ['ro'] : []);
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  return ['-t', 'nfs', ...(options.length > 0 ? ['-o', options.join(',')] : []), '--', `${host}:${path}`];
}

/** Each option once, as the kubelet orders them (pkg/volume/util, JoinMountOptions). */
export function joinOptions(some: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...some, ...more])].sort();
}
