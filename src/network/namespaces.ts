import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { KmError, messageOf } from '../base/index.ts';

/**
 * Network namespaces of sandboxes, held open: one whose last process has died is still there for DEL, with its interface, by whose addresses
 * plugins find what they have set up outside.
 */
export class Namespaces {
  readonly #open = new Map<string, number>();

  /**
   * Holds the namespace of that process of the sandbox. Throws code `unavailable` when there is no such process, or it is not the
   * sandbox's (any more), or its network is our own.
   */
  hold(sandboxId: string, pid: number): void {
    if (this.#open.has(sandboxId)) return;
    let fd: number | undefined;
    try {
      fd = openSync(`/proc/${pid}/ns/net`, 'r');
      // After the opening: the number may have been another process's by then.
      if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(sandboxId)) throw new KmError('unavailable', `process ${pid} is not the sandbox's, or not on this machine`);
      if (fstatSync(fd).ino === statSync('/proc/self/ns/net').ino) throw new KmError('unavailable', 'the sandbox has the network of the node');
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      throw new KmError('unavailable', `no network namespace of sandbox ${sandboxId}: ${messageOf(error)}`, { cause: error });
    }
    this.#open.set(sandboxId, fd);
  }

  /** A path of it for other processes; empty when it is not held. */
  path(sandboxId: string): string {
    const fd = this.#open.get(sandboxId);
    return fd === undefined ? '' : `/proc/${process.pid}/fd/${fd}`;
  }

  release(sandboxId: string): void {
    const fd = this.#open.get(sandboxId);
    if (fd !== undefined) closeSync(fd);
    this.#open.delete(sandboxId);
  }

  releaseAll(): void {
    for (const sandboxId of [...this.#open.keys()]) this.release(sandboxId);
  }
}
