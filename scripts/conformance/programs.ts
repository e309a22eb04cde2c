/** Programs that run beside us for a while: started with a log of their own, stopped by their process group, never left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Command {
  /** Also the name of the log. */
  readonly name: string;
  readonly file: string;
  readonly arguments: readonly string[];
  /** Its whole environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** How it is asked to end; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals;
}

/** How long a program may take from being asked to end until it is killed, milliseconds. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;
const TAIL_LINES = 15;

export class Program implements AsyncDisposable {
  readonly name: string;
  readonly log: string;
  readonly #command: Command;
  readonly #child: ChildProcess;
  readonly #exited = Promise.withResolvers<number | null>();

  /** Starts it; the log is `<logs>/<name>.log`. */
  constructor(command: Command, logs: string) {
    this.name = command.name;
    this.log = join(logs, `${command.name}.log`);
    this.#command = command;
    const log = openSync(this.log, 'w');
    // Should we be killed, the kernel ends it in our stead. A group of its own: Ctrl-C reaches us alone, and we stop one after another.
    this.#child = spawn('setpriv', ['--pdeathsig', 'TERM', command.file, ...command.arguments], {
      detached: true,
      stdio: ['ignore', log, log],
      ...(command.cwd !== undefined && { cwd: command.cwd }),
      ...(command.env !== undefined && { env: command.env }),
    });
    closeSync(log);
    this.#child.once('exit', (code) => this.#exited.resolve(code));
    this.#child.once('error', (error) => this.#exited.reject(error));
    this.#exited.promise.catch(() => undefined); // told to whoever waits
  }

  /** Resolves with its exit code, null when a signal ended it. Rejects when it could not be started. */
  get exited(): Promise<number | null> {
    return this.#exited.promise;
  }

  get alive(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves as soon as `check` gives true; what it throws counts as false. Throws when the program ends or time is over. */
  async until(check: () => Promise<boolean> | boolean, deadlineMs: number, signal: AbortSignal): Promise<void> {
    for (const end = Date.now() + deadlineMs; ; await sleep(POLL_MS, undefined, { signal })) {
      if (!this.alive) throw new Error(`${this.name} ended; the end of its log:\n${this.tail()}`);
      if (await Promise.resolve().then(check).catch(() => false)) return;
      if (Date.now() > end) throw new Error(`${this.name} was not ready within ${deadlineMs / 1000} s; the end of its log:\n${this.tail()}`);
    }
  }

  tail(): string {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  }

  /** Asks it to end, waits, and kills what is left of its process group. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    if (this.alive) this.#child.kill(this.#command.stopSignal ?? 'SIGTERM');
    const patience = new AbortController();
    await Promise.race([this.#exited.promise, sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // The group is gone, as it should be.
    }
    await this.#exited.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
