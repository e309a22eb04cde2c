import { readFile } from 'node:fs/promises';

/** One mount as this process sees it. */
export interface MountEntry {
  readonly mountPoint: string;
  /** `tmpfs`, `ext4`, ... */
  readonly type: string;
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
    const [mountPoint, type] = [fields[4], fields[separator + 1]];
    if (separator < 0 || mountPoint === undefined || type === undefined) return [];
    return [{ mountPoint: unescape(mountPoint), type }];
  });
}

/** Blanks, tabs, newlines and backslashes stand as three octal digits of their byte. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Mount points that are this directory or lie below it, the latest first: the order in which they can be taken away. */
export function mountsBelow(table: readonly MountEntry[], directory: string): string[] {
  return table
    .map(({ mountPoint }) => mountPoint)
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse();
}
