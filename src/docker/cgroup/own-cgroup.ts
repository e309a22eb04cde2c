import { posix } from 'node:path';

/**
 * The cgroup of a process from its /proc/PID/cgroup, as the Engine takes it for a parent: that of the memory controller (version 1), which
 * Mesos always isolates, or the only one (version 2). Undefined where the file says nothing.
 */
export function cgroupOf(text: string, version: 1 | 2): string | undefined {
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (version === 2 ? controllers === '' : controllers.split(',').includes('memory')) return path;
  }
  return undefined;
}

/**
 * The cgroup of the executor's Mesos container, if `own` is it or one below it: the part of the path up to the id of the container, which is
 * the last part of the sandbox's path. With version 2 Mesos keeps processes in a `leaf` below it, where no cgroup may be beside them.
 */
export function mesosCgroup(own: string, sandbox: string): string | undefined {
  const id = posix.basename(sandbox);
  const parts = own.split('/');
  const at = id === '' ? -1 : parts.lastIndexOf(id);
  return at < 0 ? undefined : parts.slice(0, at + 1).join('/');
}

/** The cgroup of a pod below `parent`. */
export function podCgroup(parent: string, uid: string): string {
  return posix.join(parent, `km_${uid}`);
}
