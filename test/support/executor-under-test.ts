/** A real executor below an emulated agent, on the real Engine, and what a user can see of both. Everything that it made is gone when it is disposed of. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesOfSession, type ProcessFigures } from '../../bench/processes.ts';
import { isCode } from '../../src/base/index.ts';
import { connectEngine, type ContainerSummary, type Engine, type InspectedContainer, LABELS, labelsOfExecutor } from '../../src/docker/index.ts';
import { AgentEmulator, EmbeddedApi, ExecutorProcess, type AgentOptions, type KubernetesObject, type ProcessExit, type TaskRecord, type UpdateRecord } from '../../src/harness/index.ts';
import type { KillPolicy, TaskInfo } from '../../src/mesos/index.ts';
import type { Container, Pod, PodSpec, PodStatus } from '../../src/pod/index.ts';
import { silentLogger } from '../../src/telemetry/index.ts';
import { quietPort } from './quiet-port.ts';

/** Longest wait for anything, milliseconds: far more than it takes, also on a busy machine. */
const PATIENCE_MS = 30_000;
/** The executor's own end, beyond its shutdown grace. */
const EXIT_PATIENCE_MS = 10_000;
const DOCKER_HOST = process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');

export interface UnderTestOptions {
  readonly agent?: AgentOptions;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** With an embedded Kubernetes API. */
  readonly kubernetes?: boolean;
  /** False: its subscription is not waited for. */
  readonly subscribes?: boolean;
  /** The executor's Docker Engine; that of DOCKER_HOST, which is ours too, unless told. */
  readonly dockerHost?: string;
}

export interface Launched {
  readonly taskId: string;
  readonly uid: string;
  readonly name: string;
}

/** The part of an update that people read. */
export interface Told {
  readonly state: string;
  readonly reason?: unknown;
  readonly message?: string;
  readonly healthy?: boolean;
  /** Addresses of the pod. */
  readonly ips: readonly (string | undefined)[];
  /** `agent` where the agent itself said it. */
  readonly from: 'executor' | 'agent';
}

export type ContainerSpec = Partial<Container>;

export class ExecutorUnderTest implements AsyncDisposable {
  readonly agent: AgentEmulator;
  readonly api: EmbeddedApi | undefined;
  /** Never through a proxy. */
  readonly engine: Engine;
  readonly dir: string;
  readonly nodeName = 'node-under-test';
  readonly #options: UnderTestOptions;
  readonly #waits = new Set<() => void>();
  readonly #released: (() => void)[] = [];
  #process: ExecutorProcess | undefined;
  /** Pids of the sessions that it has started, for the search for what they left behind. */
  readonly #sessions: number[] = [];
  #log = '';
  /** A wait was in vain: what is left over then says nothing new. */
  #failed = false;
  #run = 0;

  private constructor(options: UnderTestOptions, agent: AgentEmulator, api: EmbeddedApi | undefined, dir: string) {
    this.#options = options;
    this.agent = agent;
    this.api = api;
    this.dir = dir;
    this.engine = connectEngine({ host: DOCKER_HOST, logger: silentLogger });
    if (api !== undefined) this.#released.push(api.onChange(() => this.#look()));
    this.#released.push(agent.onUpdate(() => this.#look()), agent.onConnection(() => this.#look()), agent.onCall(() => this.#look()));
  }

  /** Resolves when the executor has subscribed (unless told that it will not). */
  static async start(options: UnderTestOptions = {}): Promise<ExecutorUnderTest> {
    const id = randomBytes(4).toString('hex');
    const agent = await AgentEmulator.start({ frameworkId: `framework-${id}`, executorId: `executor-${id}`, hostname: 'node-under-test', port: await quietPort(), ...options.agent });
    const api = options.kubernetes === true ? await EmbeddedApi.start() : undefined;
    const dir = await mkdtemp(join(tmpdir(), 'km-executor-'));
    const under = new ExecutorUnderTest(options, agent, api, dir);
    if (api !== undefined) await writeFile(join(dir, 'kubeconfig'), api.kubeconfig(), { mode: 0o600 });
    try {
      await under.spawn();
      if (options.subscribes !== false) await under.until(() => agent.subscribed, 'the executor subscribes');
      return under;
    } catch (error) {
      await under.destroy();
      await under[Symbol.asyncDispose]();
      throw error;
    }
  }

  get rootDir(): string {
    return join(this.dir, 'root');
  }

  get logDir(): string {
    return join(this.dir, 'log');
  }

  /** Standard output and error of all runs. */
  get log(): string {
    return this.#log;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error('no executor has been started');
    return this.#process.pid;
  }

  /** Starts the executor (anew). Every run has a sandbox of its own, as Mesos has it, unless it is the `same` once more. */
  async spawn({ same = false } = {}): Promise<void> {
    const { flags = [], environment = {} } = this.#options;
    const sandbox = join(this.dir, `sandbox-${same ? this.#run - 1 : this.#run++}`);
    const take = (chunk: Buffer): void => {
      this.#log += chunk.toString();
    };
    const kubernetes = this.api === undefined ? [] : [`--kubeconfig=${join(this.dir, 'kubeconfig')}`];
    this.#process = await ExecutorProcess.spawn({
      command: [
        process.execPath, MAIN, 'executor', `--root-dir=${this.rootDir}`, `--pod-logs-dir=${this.logDir}`, `--hostname-override=${this.nodeName}`,
        '--offline-images', '--log-level=debug', ...kubernetes, ...flags,
      ],
      environment: { ...this.agent.environment(sandbox), PATH: process.env.PATH ?? '', DOCKER_HOST: this.#options.dockerHost ?? DOCKER_HOST, ...environment },
      sandbox,
      stdout: take,
      stderr: take,
    });
    this.#sessions.push(this.#process.pid);
  }

  /** The process below the supervisor that does the work; `undefined` while there is none. */
  worker(): ProcessFigures | undefined {
    return processesOfSession(this.pid).find(({ pid, command }) => pid !== this.pid && command.startsWith('node'));
  }

  /** Kills the worker with SIGKILL once it is there; gives its pid. */
  async killWorker(): Promise<number> {
    const { pid } = await this.poll(() => this.worker(), 'there is a worker');
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** A signal to the process that Mesos watches. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** SIGKILL to all of it, as the agent's containerizer does. */
  async destroy(): Promise<void> {
    await this.#process?.destroy();
  }

  /** How it ends; throws when it does not within `ms` milliseconds. */
  async exit(ms = PATIENCE_MS): Promise<ProcessExit> {
    const exit = await this.#process?.endedWithin(ms);
    if (exit === undefined) throw this.#failure(`the executor has not ended within ${ms} ms`);
    return exit;
  }

  async shutdown(): Promise<ProcessExit> {
    this.agent.shutdown();
    return this.exit(this.agent.shutdownGracePeriodMs + EXIT_PATIENCE_MS);
  }

  task(pod: Pod | Uint8Array, more: Partial<TaskInfo> = {}): TaskInfo {
    const data = pod instanceof Uint8Array ? pod : Buffer.from(JSON.stringify(pod));
    return { name: 'task', task_id: { value: `task-${randomBytes(4).toString('hex')}` }, agent_id: { value: this.agent.identity.agentId }, resources: [], data, ...more };
  }

  /** Launches a pod as a task; where there is an API, the pod is created there first (unless `inApi` is false). */
  launch(pod: Pod, more: Partial<TaskInfo> & { readonly inApi?: boolean } = {}): Launched {
    const { inApi = true, ...taskMore } = more;
    if (this.api !== undefined && inApi) this.create(pod);
    const task = this.task(pod, taskMore);
    this.agent.launch(task);
    return { taskId: task.task_id.value, uid: pod.metadata?.uid ?? '', name: pod.metadata?.name ?? '' };
  }

  /** Puts the pod into the API as the API server would have it after its creation. */
  create(pod: Pod): void {
    const { metadata } = pod;
    this.api?.put({
      ...pod,
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'default', creationTimestamp: new Date().toISOString(), ...metadata },
      status: { phase: 'Pending' },
    } as unknown as KubernetesObject);
  }

  /** Deletes a pod in the API at once, as `kubectl delete --force` does. */
  async deleteInApi({ name }: Launched): Promise<void> {
    const answer = await fetch(`${this.api?.url}/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`, { method: 'DELETE', headers: { authorization: `Bearer ${this.api?.token}` } });
    if (!answer.ok) throw this.#failure(`the API answers ${answer.status} to the deletion of ${name}`);
  }

  record(taskId: string): TaskRecord | undefined {
    return this.agent.tasks.get(taskId);
  }

  states(taskId: string): readonly string[] {
    return this.record(taskId)?.states ?? [];
  }

  /** What the newest update of the task says. */
  last(taskId: string): Told | undefined {
    const update = this.record(taskId)?.updates.at(-1);
    return update === undefined ? undefined : told(update);
  }

  /** `Pod.status` that came with the newest update which had one. */
  status(taskId: string): PodStatus | undefined {
    const data = this.record(taskId)?.updates.findLast(({ status }) => status.data !== undefined)?.status.data;
    return data === undefined ? undefined : (JSON.parse(Buffer.from(data).toString()) as PodStatus);
  }

  apiPod({ name }: Launched): Pod | undefined {
    return this.api?.get({ group: '', resource: 'pods', namespace: 'default', name }) as Pod | undefined;
  }

  /** Resolves as soon as `holds` does; asked after everything that happens at the agent and in the API. */
  async until(holds: () => boolean, what: string, ms = PATIENCE_MS): Promise<void> {
    if (holds()) return;
    const done = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (holds()) done.resolve(true);
    };
    this.#waits.add(look);
    const timer = setTimeout(() => done.resolve(false), ms);
    try {
      if (!(await done.promise)) throw this.#failure(`not within ${ms} ms: ${what}`);
    } finally {
      clearTimeout(timer);
      this.#waits.delete(look);
    }
  }

  /** For what tells nobody when it changes (Docker, files, processes): asks until there is an answer. */
  async poll<T>(ask: () => T | undefined | false | Promise<T | undefined | false>, what: string, ms = PATIENCE_MS): Promise<T> {
    const deadline = Date.now() + ms;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      if (Date.now() > deadline) throw this.#failure(`not within ${ms} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  untilState({ taskId }: { readonly taskId: string }, state: string, ms?: number): Promise<void> {
    return this.until(() => this.states(taskId).includes(state), `${taskId} is ${state}, not only ${this.states(taskId).join(' ')}`, ms);
  }

  running(task: { readonly taskId: string }): Promise<void> {
    return this.untilState(task, 'TASK_RUNNING');
  }

  /** Resolves with the terminal update. */
  async ended({ taskId }: { readonly taskId: string }, ms?: number): Promise<Told> {
    await this.until(() => this.record(taskId)?.terminal === true, `${taskId} ends`, ms);
    return this.last(taskId) as Told;
  }

  kill({ taskId }: { readonly taskId: string }, graceMs?: number): void {
    this.agent.kill(taskId, graceMs === undefined ? undefined : killPolicy(graceMs));
  }

  containers(uid?: string): Promise<ContainerSummary[]> {
    return this.engine.list({ ...labelsOfExecutor(this.agent.identity), ...(uid === undefined ? {} : { [LABELS.podUid]: uid }) });
  }

  /** The newest container of that name in the pod; `POD` is the sandbox. */
  async container({ uid }: Launched, name = 'main'): Promise<InspectedContainer> {
    for (;;) {
      const all = (await this.containers(uid)).filter(({ labels }) => labels[LABELS.containerName] === name);
      const newest = all.toSorted((a, b) => Number(b.labels[LABELS.restartCount]) - Number(a.labels[LABELS.restartCount]))[0];
      if (newest === undefined) throw this.#failure(`pod ${uid} has no container ${name}`);
      try {
        return await this.engine.inspect(newest.id);
      } catch (error) {
        if (!isCode(error, 'not-found')) throw error; // removed since the list: there is a newer one, or none
      }
    }
  }

  /** Runs a command in a container of the pod and gives its output. */
  async exec(pod: Launched, command: readonly string[], name = 'main'): Promise<string> {
    const { id } = await this.container(pod, name);
    return (await this.engine.exec(id, command, { timeoutMs: PATIENCE_MS })).output;
  }

  /** Waits for the pod's containers to be gone. */
  async gone({ uid }: { readonly uid: string }): Promise<void> {
    await this.poll(async () => (await this.containers(uid)).length === 0, `no container of pod ${uid} is left`);
  }

  /** Everything on disk below pods, logs and journal. */
  async files(): Promise<string[]> {
    const below = async (part: string): Promise<string[]> => (await readdir(join(this.dir, part)).catch(() => [])).map((name) => `${part}/${name}`);
    return (await Promise.all(['root/pods', 'root/journal', 'log/pods', 'log/containers'].map(below))).flat().sort();
  }

  /** What is left of it in Docker, on disk and among the processes. Empty after a good end. */
  async leftOvers(): Promise<string[]> {
    const containers = (await this.containers()).map(({ name, status }) => `container ${name} (${status})`);
    const processes = this.#sessions.flatMap(processesOfSession).map(({ pid, command }) => `process ${pid} ${command}`);
    return [...containers, ...(await this.files()), ...processes];
  }

  /** Ends it and takes away what is left. Throws when an executor that ended by itself, or was told to end here, has left something. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left: string[] = [];
    try {
      const exit = this.#process?.exit ?? (this.agent.subscribed ? await this.shutdown().catch(() => undefined) : undefined);
      if (exit?.signal === null) left.push(...(await this.leftOvers()));
      if (exit === undefined) left.push('an executor that did not end when told to');
      await this.destroy();
    } finally {
      for (const release of this.#released) release();
      for (const { id } of await this.containers()) await this.engine.remove(id);
      this.engine.close();
      await Promise.all([this.agent.close(), this.api?.stop()]);
      await rm(this.dir, { recursive: true, force: true });
    }
    if (left.length > 0 && !this.#failed) throw this.#failure(`left over: ${left.join(', ')}`);
  }

  #look(): void {
    for (const look of [...this.#waits]) look();
  }

  #failure(message: string): Error {
    this.#failed = true;
    const tasks = [...this.agent.tasks.values()].map(({ taskId, states }) => `${taskId}: ${states.join(' ')}`);
    return new Error([message, 'tasks:', ...tasks, 'executor:', ...this.#log.split('\n').slice(-30).map((line) => line.slice(0, 240))].join('\n  '));
  }
}

function told({ state, from, status: { reason, message, healthy, container_status } }: UpdateRecord): Told {
  const ips = (container_status?.network_infos ?? []).flatMap(({ ip_addresses = [] }) => ip_addresses.map(({ ip_address }) => ip_address));
  return { state, from, ips, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }), ...(healthy === undefined ? {} : { healthy }) };
}

export function killPolicy(graceMs: number): KillPolicy {
  return { grace_period: { nanoseconds: BigInt(graceMs) * 1_000_000n } };
}

/** A pod of one busybox container (more with `spec`) that is soon gone. */
export function pod(container: ContainerSpec = {}, spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}): Pod {
  const uid = randomUUID();
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `pod-${uid.slice(0, 8)}`, namespace: 'default', uid, ...metadata },
    spec: { terminationGracePeriodSeconds: 0, containers: [busybox(container)], ...spec },
  };
}

/** Sleeps, and ends at once on SIGTERM: as process 1 a bare `sleep` would not hear it. */
const SLEEP = ['sh', '-c', "trap 'exit 143' TERM; sleep 86400 & wait"];

/** A container that sleeps, unless told otherwise. */
export function busybox(container: ContainerSpec = {}): Container {
  return { name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: SLEEP, ...container };
}

/** A container that runs this shell script. */
export function shell(script: string, more: ContainerSpec = {}): ContainerSpec {
  return { command: ['sh', '-c', script], ...more };
}
