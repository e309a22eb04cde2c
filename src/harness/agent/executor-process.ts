import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmError, systemClock, type Clock } from '../../base/index.ts';

export interface ProcessExit {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly command: readonly string[];
  /** The whole environment of the process; nothing else is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Working directory; made when it does not exist. */
  readonly sandbox: string;
  readonly stdout?: (chunk: Buffer) => void;
  readonly stderr?: (chunk: Buffer) => void;
  readonly clock?: Clock;
}

/** What was sent SIGKILL is gone within moments; only a process stuck in the kernel takes longer, and is not waited for. */
const MOST_DYING_MS = 5000;
const DYING_LOOK_MS = 10;

/**
 * The executor's process as the agent has it: a session of its own, so that the agent can end all of it at once, and a
 * process whose end the agent notices whatever its exit code.
 */
export class ExecutorProcess {
  readonly pid: number;
  /** Resolves when the process has ended and its output is read to the end; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  #exit: ProcessExit | undefined;

  private constructor(child: ChildProcess, pid: number, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    this.pid = pid;
    this.exited = new Promise((resolve) => {
      // 'exit', not 'close': a grandchild that keeps the pipes open must not hide that the executor itself has ended.
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** Starts the process. Throws code `invalid` when the command cannot be run. */
  static async spawn(options: SpawnOptions): Promise<ExecutorProcess> {
    const [file, ...args] = options.command;
    if (file === undefined) throw new KmError('invalid', 'the executor has no command');
    await mkdir(options.sandbox, { recursive: true });
    const child = spawn(file, args, {
      cwd: options.sandbox,
      env: { ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    child.stdout.on('data', options.stdout ?? ignore);
    child.stderr.on('data', options.stderr ?? ignore);
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new KmError('invalid', `cannot start the executor (${file})`, { cause: error });
    }
    return new ExecutorProcess(child, child.pid as number, options.clock ?? systemClock);
  }

  /** How it ended; undefined while it runs. */
  get exit(): ProcessExit | undefined {
    return this.#exit;
  }

  /** Sends a signal to the process alone (the crash of the executor, a polite SIGTERM). Without effect once it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** SIGKILL to everything the executor has started, and the wait until all of it is gone, as the agent's containerizer does it. */
  async destroy(): Promise<ProcessExit> {
    this.#signalGroup('SIGKILL');
    // Of a group's end nobody tells: its members other than the first are not our children.
    for (let waitedMs = 0; this.#signalGroup(0) && waitedMs < MOST_DYING_MS; waitedMs += DYING_LOOK_MS) await sleep(DYING_LOOK_MS);
    return this.exited;
  }

  /** Whether there is anything of the group. */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false; // ESRCH
    }
  }

  /** SIGTERM, and `destroy` when it has not ended within `graceMs` milliseconds. */
  async stop(graceMs: number): Promise<ProcessExit> {
    this.kill('SIGTERM');
    return (await this.endedWithin(graceMs)) ?? (await this.destroy());
  }

  /** How it ended if it ends within `ms` milliseconds, else undefined. */
  async endedWithin(ms: number): Promise<ProcessExit | undefined> {
    let cancel = ignore;
    const timeout = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(ms, () => resolve(undefined));
    });
    try {
      return await Promise.race([this.exited, timeout]);
    } finally {
      cancel();
    }
  }
}

function ignore(): void {}
