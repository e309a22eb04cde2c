import { realpath } from 'node:fs/promises';
import { unless } from './file-error.ts';
import { readMountTable } from './mount-table.ts';
import { MOUNTED_VOLUMES, podsDirectory } from './paths.ts';

/** A volume that is somebody else's files, mounted for a pod. */
export interface MountedVolume {
  /** The pod's. */
  readonly uid: string;
  /** As the pod calls it. */
  readonly name: string;
  readonly path: string;
  /** On a file server, which may not answer. */
  readonly remote: boolean;
}

const PLUGINS: ReadonlySet<string> = new Set(Object.values(MOUNTED_VOLUMES));

/** All of them that are mounted now, as the kernel tells: none is looked at. */
export async function mountedVolumes(rootDir: string, table?: string): Promise<MountedVolume[]> {
  const pods = await unless(['ENOENT'], realpath(podsDirectory(rootDir)));
  if (pods === undefined) return [];
  const points = new Set((await readMountTable(table)).map(({ mountPoint }) => mountPoint));
  return [...points].flatMap((path) => {
    if (!path.startsWith(`${pods}/`)) return [];
    const [uid = '', volumes, plugin = '', name = '', ...below] = path.slice(pods.length + 1).split('/');
    return volumes === 'volumes' && PLUGINS.has(plugin) && name !== '' && below.length === 0 ? [{ uid, name, path, remote: plugin === MOUNTED_VOLUMES.nfs }] : [];
  });
}

/** Whether volumes below a directory of that name are mounted, not made by us. */
export function isMountedKind(plugin: string): boolean {
  return PLUGINS.has(plugin);
}
