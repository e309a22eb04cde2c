import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KmError } from '../../base/index.ts';

/** The program `docker/dial/dial.c` at work. Disposing of it ends it; connections that it made go on. */
export class DialProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  /** Where it takes requests. */
  readonly path: string;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;

  private constructor(child: ChildProcess, directory: string, path: string) {
    this.#child = child;
    this.#directory = directory;
    this.path = path;
    this.ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }

  /** Code `unavailable` when the program cannot run here. */
  static async start(program: string): Promise<DialProcess> {
    // Only we may enter it: who reaches the socket reaches every pod.
    const directory = mkdtempSync(join(tmpdir(), 'km-dial-'));
    const path = join(directory, 'dial.sock');
    const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore'] });
    const dial = new DialProcess(child, directory, path);
    child.stdin.on('error', () => undefined);
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (error) => reject(new KmError('unavailable', `cannot run ${program}`, { cause: error })));
      child.once('exit', () => reject(new KmError('unavailable', `${program} ended`)));
    });
    failed.catch(() => undefined);
    child.stdin.write(path);
    try {
      await Promise.race([once(child.stdout, 'data'), failed]);
    } catch (error) {
      dial[Symbol.dispose]();
      throw error;
    }
    child.unref();
    return dial;
  }

  [Symbol.dispose](): void {
    this.#child.stdin?.destroy();
    this.#child.stdout?.destroy();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
