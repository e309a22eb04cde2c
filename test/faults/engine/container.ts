import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerConfig } from '../../../src/docker/index.ts';
import { ScriptedProcess } from './process.ts';
import { Refusal } from './refusal.ts';
import type { StandInImage } from './images.ts';
import { scriptOf } from './script.ts';

export type Body = Omit<ContainerConfig, 'name'>;

export interface ContainerSurroundings {
  /** Below it are the folders of containers, as below /var/lib/docker. */
  readonly rootDir: string;
  readonly nowNanos: () => bigint;
  readonly nextPid: () => number;
  readonly tell: (container: StandInContainer, action: string, more?: Record<string, string>) => void;
}

/** One container: created, running, exited; its process is a script. */
export class StandInContainer {
  readonly id: string;
  readonly name: string;
  readonly body: Body;
  readonly image: StandInImage;
  readonly createdAt: bigint;
  readonly ip: string | undefined;
  readonly #around: ContainerSurroundings;
  readonly #ends = new Set<() => void>();
  status: 'created' | 'running' | 'exited' = 'created';
  removing = false;
  pid = 0;
  exitCode = 0;
  error = '';
  startedAt = 0n;
  finishedAt = 0n;
  oomKilled = false;
  /** How often it was started. */
  starts = 0;
  #process: ScriptedProcess | undefined;

  constructor(around: ContainerSurroundings, made: { id: string; name: string; body: Body; image: StandInImage; ip: string | undefined }) {
    this.#around = around;
    this.id = made.id;
    this.name = made.name;
    this.body = made.body;
    this.image = made.image;
    this.ip = made.ip;
    this.createdAt = around.nowNanos();
    mkdirSync(this.dir, { recursive: true });
    writeFileSync(this.resolvConfPath, '');
  }

  get dir(): string {
    return join(this.#around.rootDir, 'containers', this.id);
  }

  get logPath(): string {
    return join(this.dir, `${this.id}-json.log`);
  }

  get resolvConfPath(): string {
    return join(this.dir, 'resolv.conf');
  }

  get running(): boolean {
    return this.status === 'running';
  }

  get command(): readonly string[] {
    const { Entrypoint: entrypoint, Cmd: cmd } = this.body;
    if (entrypoint !== undefined) return [...entrypoint, ...(cmd ?? [])];
    return [...this.image.entrypoint, ...(cmd ?? this.image.command)];
  }

  /** Throws what the Engine answers where it cannot be started. */
  start(): void {
    const steps = scriptOf(this.command);
    if (steps === undefined) {
      this.exitCode = 127;
      this.error = `OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "${this.command[0] ?? ''}": executable file not found in $PATH: unknown`;
      throw new Refusal(400, this.error);
    }
    writeFileSync(this.logPath, '', { flag: 'a' });
    this.status = 'running';
    this.starts++;
    this.pid = this.#around.nextPid();
    this.startedAt = this.#around.nowNanos();
    this.#around.tell(this, 'start');
    const process = new ScriptedProcess({
      steps,
      hostPath: (path) => this.hostPath(path),
      say: (text, to) => this.#say(text, to),
      onEnd: (code) => this.#ended(code),
    });
    this.#process = process;
    process.run();
  }

  signal(name: string): void {
    this.#around.tell(this, 'kill', { signal: name === 'SIGKILL' ? '9' : '15' });
    this.#process?.signal(name);
  }

  /** Its memory is over. */
  oom(): void {
    if (!this.running) return;
    this.oomKilled = true;
    this.#around.tell(this, 'oom');
    this.#process?.signal('SIGKILL');
  }

  /** Resolves when it does not run (any more). */
  async ended(): Promise<number> {
    if (this.running) await new Promise<void>((resolve) => this.#ends.add(resolve));
    return this.exitCode;
  }

  /** Path on this machine of a path that is mounted into it. */
  hostPath(path: string): string | undefined {
    for (const bind of this.body.HostConfig.Binds ?? []) {
      const [host = '', inside = ''] = bind.split(':');
      if (path === inside) return host;
      if (path.startsWith(`${inside}/`)) return join(host, path.slice(inside.length));
    }
    return undefined;
  }

  #say(text: string, to: 'stdout' | 'stderr'): void {
    appendFileSync(this.logPath, `${JSON.stringify({ log: text, stream: to, time: isoNanos(this.#around.nowNanos()) })}\n`);
  }

  #ended(code: number): void {
    this.status = 'exited';
    this.pid = 0;
    this.exitCode = code;
    this.finishedAt = this.#around.nowNanos();
    this.#process = undefined;
    this.#around.tell(this, 'die', { exitCode: String(code) });
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}

/** As Go prints it; its "never" for 0. */
export function isoNanos(nanos: bigint): string {
  if (nanos === 0n) return '0001-01-01T00:00:00Z';
  const seconds = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}
