/** An executor below an emulated agent, with an API and an Engine, each behind a proxy that breaks on command. */
import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesOfSession } from '../../bench/processes.ts';
import { AgentEmulator, EmbeddedApi, ExecutorProcess, type ProcessExit } from '../../src/harness/index.ts';
import type { TaskInfo } from '../../src/mesos/index.ts';
import { quietPort } from '../support/quiet-port.ts';
import { FaultyProxy } from './faulty-proxy.ts';
import { type EngineKind, LabEngine } from './lab-engine.ts';
import { heldFiles, leftOnMachine } from './left-overs.ts';
import { MesosContainer } from './mesos-container.ts';
import { Patience } from './patience.ts';
import type { Random } from './random.ts';

export interface LaboratoryOptions {
  readonly engine: EngineKind;
  readonly random: Random;
  readonly kubernetes: boolean;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the agent, milliseconds; a minute unless told. */
  readonly shutdownGracePeriodMs?: number;
  /** The executor's own files are on a disk that can be full. */
  readonly smallDisk?: boolean;
  /** The executor is in a cgroup of its own, and so are its pods. */
  readonly contained?: boolean;
}

export const NODE_NAME = 'node-of-faults';
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const FIXTURES = join(import.meta.dirname, '../fixtures/mesos-tls');
/** Longest wait for anything, milliseconds of a machine that has time. */
const PATIENCE_MS = 120_000;
/** Of a small disk, bytes. */
const DISK_BYTES = 4 << 20;
const run = promisify(execFile);

export class Laboratory implements AsyncDisposable {
  readonly dir: string;
  readonly engine: LabEngine;
  readonly agent: AgentEmulator;
  readonly api: EmbeddedApi | undefined;
  readonly toEngine: FaultyProxy;
  readonly toAgent: FaultyProxy;
  readonly toApi: FaultyProxy | undefined;
  /** The agent has sent SHUTDOWN to the executor that runs now. */
  toldToEnd = false;
  /** CPU time of executors that have ended, seconds; about. */
  cpuSeconds = 0;
  readonly #options: LaboratoryOptions;
  readonly #sessions: number[] = [];
  readonly #container: MesosContainer | undefined;
  readonly #began = Date.now();
  #process: ExecutorProcess | undefined;
  #run = 0;
  #log = '';

  private constructor(options: LaboratoryOptions, dir: string, engine: LabEngine, agent: AgentEmulator, api: EmbeddedApi | undefined) {
    this.#options = options;
    this.dir = dir;
    this.engine = engine;
    this.agent = agent;
    this.api = api;
    this.#container = options.contained === true && MesosContainer.canBe ? new MesosContainer(basename(dir)) : undefined;
    this.toEngine = new FaultyProxy(engine.address, { path: join(dir, 'docker.sock') });
    this.toAgent = new FaultyProxy({ host: '127.0.0.1', port: agent.port });
    this.toApi = api === undefined ? undefined : new FaultyProxy({ host: '127.0.0.1', port: Number(new URL(api.url).port) });
  }

  static async start(options: LaboratoryOptions): Promise<Laboratory> {
    const id = randomBytes(4).toString('hex');
    const dir = await mkdtemp(join(tmpdir(), 'km-faults-'));
    const engine = await LabEngine.start(options.engine, options.random);
    const agent = await AgentEmulator.start({ frameworkId: `framework-${id}`, executorId: `executor-${id}`, hostname: NODE_NAME, port: await quietPort(), shutdownGracePeriodMs: options.shutdownGracePeriodMs ?? 60_000 });
    const api = options.kubernetes ? await EmbeddedApi.start() : undefined;
    const lab = new Laboratory(options, dir, engine, agent, api);
    await Promise.all([lab.toEngine.up(), lab.toAgent.up(), lab.toApi?.up(), engine.watch(agent.identity)]);
    if (lab.#hasSmallDisk) {
      await mkdir(lab.rootDir);
      await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'km-faults', lab.rootDir]);
    }
    if (api !== undefined) {
      const kubeconfig = api.kubeconfig().replaceAll(api.url, `http://127.0.0.1:${lab.toApi?.port ?? 0}`);
      await writeFile(join(dir, 'kubeconfig'), kubeconfig, { mode: 0o600 });
    }
    agent.onUpdate(({ state, from, status }) => lab.note(`${from === 'agent' ? 'agent says' : 'update'}: ${status.task_id.value} ${state} ${status.message ?? ''}`));
    agent.onEvent(({ type }) => {
      if (type === 'SHUTDOWN') lab.toldToEnd = true;
    });
    agent.onConnection(({ what }) => lab.note(`agent: ${what}`));
    return lab;
  }

  get rootDir(): string {
    return join(this.dir, 'root');
  }

  /** What a task of a pod has to have. */
  get resources(): NonNullable<TaskInfo['resources']> {
    const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } });
    return this.#container === undefined ? [] : [scalar('cpus', 0.1), scalar('mem', 64)];
  }

  /** What happened, and what the executor wrote. */
  get log(): string {
    return this.#log;
  }

  note(text: string): void {
    this.#log += `${((Date.now() - this.#began) / 1000).toFixed(3)} ======== ${text}\n`;
  }

  /** Starts the executor (anew, as another run: with a sandbox of its own). */
  async spawn(): Promise<void> {
    this.toldToEnd = false;
    const { flags = [], environment = {} } = this.#options;
    const sandbox = join(this.dir, `sandbox-${this.#run++}`);
    const take = (chunk: Buffer): void => void (this.#log += chunk.toString());
    const given = Object.entries(this.agent.environment(sandbox)).map(([name, value]) => [name, value.replaceAll(`:${this.agent.port}`, `:${this.toAgent.port}`)]);
    const command = [
      process.execPath, MAIN, 'executor', `--root-dir=${this.rootDir}`, `--pod-logs-dir=${join(this.dir, 'log')}`, `--hostname-override=${NODE_NAME}`, '--offline-images', '--log-level=debug',
      '--address=127.0.0.1', '--port=0', '--healthz-port=0', `--tls-cert-file=${join(FIXTURES, 'agent.pem')}`, `--tls-private-key-file=${join(FIXTURES, 'agent.key')}`,
      ...(this.api === undefined ? [] : [`--kubeconfig=${join(this.dir, 'kubeconfig')}`]), ...(this.#container === undefined ? [] : ['--contain-pod-resources=true']), ...flags,
    ];
    this.#process = await ExecutorProcess.spawn({
      command: this.#container?.within(sandbox, command) ?? command,
      environment: { ...Object.fromEntries(given) as Record<string, string>, PATH: process.env.PATH ?? '', DOCKER_HOST: `unix://${join(this.dir, 'docker.sock')}`, ...environment },
      sandbox,
      stdout: take,
      stderr: take,
    });
    this.#sessions.push(this.#process.pid);
  }

  /** Of the executor that runs now. */
  get session(): number {
    return this.#process?.pid ?? -1;
  }

  /** The pid of the process that does the work; `undefined` while there is none. */
  worker(): number | undefined {
    return processesOfSession(this.session).find(({ pid, command }) => pid !== this.#process?.pid && command.startsWith('node'))?.pid;
  }

  /** SIGKILL to the worker. False when there is none at this moment. */
  crash(): boolean {
    const figures = processesOfSession(this.session).find(({ pid, command }) => pid !== this.#process?.pid && command.startsWith('node'));
    if (figures === undefined) return false;
    this.cpuSeconds += figures.cpuSeconds;
    try {
      process.kill(figures.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      return false; // it has ended since we looked, to make way for another one
    }
    return true;
  }

  /** SIGKILL to all of it, and the agent knows. */
  async crashAll(): Promise<void> {
    for (const { cpuSeconds } of processesOfSession(this.session)) this.cpuSeconds += cpuSeconds;
    const exit = await this.#process?.destroy();
    this.#container?.kill();
    if (exit !== undefined) this.agent.executorEnded('REASON_EXECUTOR_TERMINATED', exit);
  }

  get exit(): ProcessExit | undefined {
    return this.#process?.exit;
  }

  async shutdown(): Promise<ProcessExit | undefined> {
    for (const { cpuSeconds } of processesOfSession(this.session)) this.cpuSeconds += cpuSeconds;
    this.agent.shutdown();
    return this.ended();
  }

  /** How it ends, as it was told to. */
  async ended(): Promise<ProcessExit | undefined> {
    await this.until(() => this.exit !== undefined, this.agent.shutdownGracePeriodMs + 20_000);
    return this.exit;
  }

  /** Not a byte is left on the small disk. `reserveToo`: nor is what the executor keeps for that. */
  async fillDisk({ reserveToo = false } = {}): Promise<void> {
    if (!this.#hasSmallDisk) return;
    if (reserveToo) {
      const dir = join(this.rootDir, 'journal');
      for (const name of await readdir(dir)) {
        const bytes = await readFile(join(dir, name));
        await truncate(join(dir, name), bytes.findLastIndex((byte) => byte !== 0) + 1);
      }
    }
    await using file = await open(this.#filler, 'a');
    for (const size of [1 << 16, 1]) {
      const bytes = Buffer.alloc(size, 1);
      try {
        for (;;) await file.write(bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  }

  async freeDisk(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  /** Only root may mount one. */
  get #hasSmallDisk(): boolean {
    return this.#options.smallDisk === true && process.getuid?.() === 0;
  }

  get #filler(): string {
    return join(this.rootDir, 'filler');
  }

  /** Nothing is broken any more. */
  async heal(): Promise<void> {
    await this.freeDisk();
    await Promise.all([this.toEngine.heal(), this.toAgent.heal(), this.toApi?.heal()]);
  }

  /** Asks until the answer is true; false when it never was. */
  async until(ask: () => boolean | Promise<boolean>, ms = PATIENCE_MS): Promise<boolean> {
    const patience = new Patience(ms);
    for (let pause = 10; !(await ask()); pause = Math.min(pause * 1.3, 200)) {
      if (patience.isOver) return false;
      await sleep(pause);
    }
    return true;
  }

  /** What is there of it in Docker, on disk, among mounts, processes and cgroups. `uids`: of its pods. */
  async leftOvers(uids: readonly string[] = []): Promise<string[]> {
    const containers = (await this.engine.containersOf(this.agent.identity)).map(({ name, status }) => `container ${name} (${status})`);
    return [...containers, ...(await this.engine.endpointsOf(uids)), ...(await leftOnMachine({ dir: this.dir, sessions: this.#sessions, uids }))];
  }

  /** Files of pods that are gone, and that the executor holds open still. */
  heldFiles(): Promise<string[]> {
    return heldFiles(this.dir, this.session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.destroy();
    for (const { id } of await this.engine.containersOf(this.agent.identity).catch(() => [])) await this.engine.client.remove(id);
    await Promise.all([this.toEngine[Symbol.asyncDispose](), this.toAgent[Symbol.asyncDispose](), this.toApi?.[Symbol.asyncDispose]()]);
    await Promise.all([this.agent.close(), this.api?.stop(), this.engine[Symbol.asyncDispose]()]);
    await this.#container?.destroy();
    await unmountBelow(this.dir);
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function unmountBelow(dir: string): Promise<void> {
  const targets = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '').filter((target) => target.startsWith(`${dir}/`));
  for (const target of targets.reverse()) await run('umount', ['-l', target]).catch(() => undefined);
}
