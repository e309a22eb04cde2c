import { execFile } from 'node:child_process';
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KmError, messageOf } from '../base/index.ts';

const run = promisify(execFile);

const TIMEOUT_MS = 30_000;
/** The file system of namespaces (linux/magic.h NSFS_MAGIC). */
const NSFS = 0x6e73_6673;

/**
 * Network namespaces of sandboxes, each held by a mount in a folder of ours: one whose last process has died, and whose holder has died too, is still there
 * for DEL, with its interface, by whose addresses plugins find what they have set up outside.
 */
export class Namespaces {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Sandboxes whose namespaces are held, or were. */
  async held(): Promise<string[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    return readdir(this.#directory);
  }

  /**
   * Holds the namespace of that process of the sandbox and gives its path. Throws code `unavailable` when there is no such process, it is not the sandbox's
   * (any more), or its network is our own.
   */
  async hold(sandboxId: string, pid: number): Promise<string> {
    const path = this.#path(sandboxId);
    try {
      await using namespace = await open(`/proc/${pid}/ns/net`, 'r');
      await this.#check(namespace, sandboxId, pid);
      await writeFile(path, '', { mode: 0o600 });
      // Through what is open: the number may be another process's by now.
      await mountCommand('mount', ['--no-canonicalize', '--bind', `/proc/${process.pid}/fd/${namespace.fd}`, path]);
    } catch (error) {
      throw new KmError('unavailable', `no network namespace of sandbox ${sandboxId}: ${messageOf(error)}`, { cause: error });
    }
    return path;
  }

  /** The path of a namespace that is held; empty when it is not. */
  async find(sandboxId: string): Promise<string> {
    const path = this.#path(sandboxId);
    const type = await statfs(path).then((found) => found.type, () => 0);
    return type === NSFS ? path : '';
  }

  /** Lets it go; not held is fine. Throws code `internal` with the words of umount(8). */
  async release(sandboxId: string): Promise<void> {
    const path = await this.find(sandboxId);
    if (path !== '') await mountCommand('umount', ['--no-canonicalize', path]);
    await rm(this.#path(sandboxId), { force: true });
  }

  async #check(namespace: FileHandle, sandboxId: string, pid: number): Promise<void> {
    // After the opening: the number may have been another process's by then.
    const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (!cgroups.includes(sandboxId)) throw new KmError('unavailable', `process ${pid} is not the sandbox's, or not on this machine`);
    const [its, ours] = await Promise.all([namespace.stat(), stat('/proc/self/ns/net')]);
    if (its.ino === ours.ino) throw new KmError('unavailable', 'the sandbox has the network of the node');
  }

  #path(sandboxId: string): string {
    return join(this.#directory, sandboxId);
  }
}

async function mountCommand(command: 'mount' | 'umount', args: readonly string[]): Promise<void> {
  try {
    await run(command, args, { timeout: TIMEOUT_MS, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new KmError('internal', `${command}: ${stderr.trim() === '' ? message : stderr.trim()}`, { cause: error });
  }
}
