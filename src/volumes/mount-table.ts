import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One mount as this process sees it. */
export interface MountEntry {
  readonly mountPoint: string;
  /** `tmpfs`, `ext4`, ... */
  readonly type: string;
  /** Which file system: major and minor number. */
  readonly device: string;
  /** What of the file system is mounted there: a path from its root. */
  readonly root: string;
}

/** All mounts in the order in which they were made; a path mounted on twice is there twice. */
export async function readMountTable(path = '/proc/self/mountinfo'): Promise<MountEntry[]> {
  return parseMountInfo(await readFile(path, 'utf8'));
}

/** `/proc/self/mountinfo`: fields, optional fields up to `-`, then the type (man 5 proc). Lines it does not understand are left out. */
export function parseMountInfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [device, root, mountPoint, type] = [fields[2], fields[3], fields[4], fields[separator + 1]];
    if (separator < 0 || device === undefined || root === undefined || mountPoint === undefined || type === undefined) return [];
    return [{ mountPoint: unescape(mountPoint), type, device, root: unescape(root) }];
  });
}

/** Blanks, tabs, newlines and backslashes stand as three octal digits of their byte. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Where else the very thing is mounted that has the real path `path`. Kubernetes v1.20 vendor/k8s.io/mount-utils, SearchMountPoints. */
export function mountsOf(table: readonly MountEntry[], path: string): string[] {
  const holder = table.reduce<MountEntry | undefined>((best, entry) => {
    const holds = entry.mountPoint === path || path.startsWith(entry.mountPoint === '/' ? '/' : `${entry.mountPoint}/`);
    return holds && entry.mountPoint.length >= (best?.mountPoint.length ?? 0) ? entry : best;
  }, undefined);
  if (holder === undefined) return [];
  const root = join(holder.root, path.slice(holder.mountPoint === '/' ? 0 : holder.mountPoint.length)).replace(/(.)\/$/, '$1');
  return table.filter((entry) => entry.device === holder.device && entry.root === root && entry.mountPoint !== path).map(({ mountPoint }) => mountPoint);
}

/** Mount points that are this directory or lie below it, the latest first: the order in which they can be taken away. */
export function mountsBelow(table: readonly MountEntry[], directory: string): string[] {
  return table
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}
