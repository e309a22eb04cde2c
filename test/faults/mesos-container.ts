/** The executor's container as Mesos' isolators make it: a cgroup, on hosts with cgroup version 1 where we are root. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** In which Mesos accounts and enforces; all others are the Engine's affair. */
const HIERARCHY = 'memory';
const TRIES = 50;
const PAUSE_MS = 20;

export class MesosContainer {
  readonly #above: string;

  /** `name` is that of the laboratory. */
  constructor(name: string) {
    this.#above = name;
  }

  static get canBe(): boolean {
    return process.getuid?.() === 0 && existsSync(join(ROOT, HIERARCHY, 'cgroup.procs'));
  }

  /** The command, run in a cgroup that is named as its sandbox is. */
  within(sandbox: string, command: readonly string[]): string[] {
    const folder = join(ROOT, HIERARCHY, this.#above, basename(sandbox));
    mkdirSync(folder, { recursive: true });
    return ['/bin/sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', folder, ...command];
  }

  /** SIGKILL to all that is in it, containers of pods included, as the agent does when an executor is gone. */
  kill(): void {
    for (const folder of foldersBelow(join(ROOT, HIERARCHY, this.#above))) {
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter((line) => line !== '')) {
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
    }
  }

  async destroy(): Promise<void> {
    this.kill();
    for (const hierarchy of readdirSync(ROOT)) {
      for (const folder of foldersBelow(join(ROOT, hierarchy, this.#above)).reverse()) await remove(folder);
    }
  }
}

/** A cgroup and all below it, from the top; none when it is not there. */
function foldersBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap(({ name }) => foldersBelow(join(folder, name)))];
}

/** The kernel takes a moment to let go of one whose last process has ended. */
async function remove(folder: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || tries >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
