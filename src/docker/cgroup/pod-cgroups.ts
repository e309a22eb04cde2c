import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KmError, messageOf } from '../../base/index.ts';
import type { EngineInfo } from '../engine.ts';
import { cgroupSettings, type TaskLimits } from './limits.ts';
import { cgroupOf, mesosCgroup, podCgroup } from './own-cgroup.ts';

export interface FindCgroupsOptions {
  readonly engine: Pick<EngineInfo, 'cgroupDriver' | 'cgroupVersion'>;
  /** The executor's Mesos sandbox. */
  readonly sandbox: string;
  /** Absent: those of this machine. */
  readonly root?: string;
  readonly ownCgroup?: string;
}

/** The kernel takes a moment to let go of a cgroup whose last process has ended: so often, so long apart (milliseconds), it is tried. */
const TRIES = 10;
const PAUSE_MS = 30;

/**
 * The cgroups of pods, each below the cgroup of the executor's Mesos container: Mesos counts them in, limits them, and takes them along when it
 * destroys the container. They are in all hierarchies, since the Engine makes a parent in all of them.
 */
export class PodCgroups {
  readonly #root: string;
  readonly #version: 1 | 2;
  readonly #parent: string;

  private constructor(root: string, version: 1 | 2, parent: string) {
    this.#root = root;
    this.#version = version;
    this.#parent = parent;
  }

  /** Throws code `unavailable` that says why pods cannot be there on this host. */
  static async find({ engine: { cgroupDriver, cgroupVersion }, sandbox, root = '/sys/fs/cgroup', ownCgroup }: FindCgroupsOptions): Promise<PodCgroups> {
    if (cgroupDriver !== 'cgroupfs') throw new KmError('unavailable', `the Engine's cgroup driver is ${cgroupDriver}, not cgroupfs`);
    const own = cgroupOf(ownCgroup ?? (await readFile('/proc/self/cgroup', 'utf8').catch(() => '')), cgroupVersion);
    const parent = own === undefined ? undefined : mesosCgroup(own, sandbox);
    if (parent === undefined) throw new KmError('unavailable', `the executor's cgroup is ${own ?? 'not known'}, which is none of a Mesos container`);
    const cgroups = new PodCgroups(root, cgroupVersion, parent);
    await cgroups.#prepare();
    return cgroups;
  }

  /** For removing only: those of any executor's container, where Mesos puts them unless told otherwise. */
  static anywhere(version: 1 | 2): Pick<PodCgroups, 'remove'> {
    return new PodCgroups('/sys/fs/cgroup', version, '/mesos/none');
  }

  /** The parent for the containers of a pod, as the Engine wants it. */
  of(uid: string): string {
    return podCgroup(this.#parent, uid);
  }

  /** Makes the pod's cgroup with its limits; one that is there gets them again. Throws code `unavailable`. */
  async create(uid: string, limits: TaskLimits): Promise<void> {
    try {
      for (const controller of ['memory', 'cpu'] as const) await mkdir(this.#path(controller, this.of(uid)), { recursive: true });
      for (const { controller, file, value } of cgroupSettings(this.#version, limits)) await writeFile(join(this.#path(controller, this.of(uid)), file), value);
    } catch (error) {
      throw new KmError('unavailable', `cgroup ${this.of(uid)} cannot be made: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Removes all of the pod's cgroups, also those below earlier runs of an executor; none is success. Throws code `unavailable` while one is in use. */
  async remove(uid: string): Promise<void> {
    const folders = await this.#foldersOf(uid);
    for (let tries = 1; ; tries++) {
      try {
        for (const folder of folders) await removeDeep(folder);
        return;
      } catch (error) {
        if (tries >= TRIES) throw new KmError('unavailable', `cgroup of pod ${uid} cannot be removed: ${messageOf(error)}`, { cause: error });
        await pause(PAUSE_MS);
      }
    }
  }

  async #prepare(): Promise<void> {
    try {
      for (const controller of ['memory', 'cpu'] as const) {
        const folder = this.#path(controller, this.#parent);
        await mkdir(folder, { recursive: true });
        await access(folder, constants.W_OK);
      }
      if (this.#version === 2) await writeFile(join(this.#root, this.#parent, 'cgroup.subtree_control'), '+cpu +memory');
    } catch (error) {
      throw new KmError('unavailable', `cgroup ${this.#parent} is not writable: ${messageOf(error)}`, { cause: error });
    }
  }

  #path(controller: string, cgroup: string): string {
    return this.#version === 2 ? join(this.#root, cgroup) : join(this.#root, controller, cgroup);
  }

  async #foldersOf(uid: string): Promise<string[]> {
    const runs = dirname(this.#parent);
    const hierarchies = this.#version === 2 ? [''] : (await readdir(this.#root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const folders = await Promise.all(hierarchies.map(async (hierarchy) => {
      const above = join(this.#root, hierarchy, runs);
      return (await readdir(above, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map(({ name }) => join(above, name, `km_${uid}`));
    }));
    return folders.flat();
  }
}

/** A cgroup and those below it. Its files are the kernel's and go with it. */
async function removeDeep(folder: string): Promise<void> {
  const below = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (below === undefined) return;
  for (const entry of below) if (entry.isDirectory()) await removeDeep(join(folder, entry.name));
  await rmdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
}
