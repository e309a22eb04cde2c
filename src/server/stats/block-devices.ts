import { readdir } from 'node:fs/promises';
import { fileSystemAt, type FileSystem } from '../../volumes/index.ts';
import { textOf } from './files.ts';
import type { IoSample } from './samples.ts';

const SECTOR_BYTES = 512;

/** One file system of a device, with the path that it is mounted at. */
export interface DeviceFileSystem extends FileSystem {
  /** As people write it: `/dev/sda1`. */
  readonly device: string;
  readonly path: string;
}

export interface BlockDevices {
  /** `/dev/sda` of `8:0`. */
  readonly names: ReadonlyMap<string, string>;
  /** Of whole devices that have been read or written. */
  readonly io: readonly IoSample[];
  /** One for each device that is mounted. */
  readonly fileSystems: readonly DeviceFileSystem[];
}

/** What the machine has; `root` is where /proc and /sys are. Paths with blanks are left out of the file systems. */
export async function readBlockDevices(root = ''): Promise<BlockDevices> {
  const [stats, mountinfo, whole] = await Promise.all([textOf(`${root}/proc/diskstats`), textOf(`${root}/proc/self/mountinfo`), readdir(`${root}/sys/block`).catch((): string[] => [])]);
  const names = new Map<string, string>();
  const io: IoSample[] = [];
  for (const line of stats.split('\n')) {
    const [major, minor, name, ...counters] = line.trim().split(/\s+/);
    if (major === undefined || minor === undefined || name === undefined) continue;
    const device = `${major}:${minor}`;
    names.set(device, `/dev/${name}`);
    const [reads = 0, , sectorsRead = 0, , writes = 0, , sectorsWritten = 0] = counters.map(Number);
    if (whole.includes(name) && reads + writes > 0) io.push({ device, reads, writes, readBytes: sectorsRead * SECTOR_BYTES, writtenBytes: sectorsWritten * SECTOR_BYTES });
  }
  const mounts = new Map<string, string>();
  for (const { source, device, path } of mountinfo.split('\n').flatMap(mountOf)) {
    // The kernel's own name for the device that it booted from.
    const name = source === '/dev/root' ? (names.get(device) ?? source) : source;
    if (name.startsWith('/dev/') && !mounts.has(name)) mounts.set(name, path);
  }
  const found = await Promise.all([...mounts].map(async ([device, path]) => ({ device, path, size: await fileSystemAt(path) })));
  return { names, io, fileSystems: found.flatMap(({ device, path, size }) => (size === undefined || size.capacity === 0 ? [] : [{ ...size, device, path }])) };
}

/** Of the file system that holds a path; `undefined` when it is on none of them. */
export function deviceBelow(path: string, { fileSystems }: BlockDevices): string | undefined {
  const holds = (mount: string): boolean => path === mount || path.startsWith(mount.endsWith('/') ? mount : `${mount}/`);
  return fileSystems.filter((one) => holds(one.path)).toSorted((a, b) => b.path.length - a.path.length)[0]?.device;
}

function mountOf(line: string): { device: string; path: string; source: string }[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , device, , path] = before.split(' ');
  const [, source] = after.split(' ');
  return device === undefined || path === undefined || source === undefined || path.includes('\\') ? [] : [{ device, path, source }];
}
