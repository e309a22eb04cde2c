/** Does what a schedule says. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '../../src/harness/index.ts';
import { derivedUid } from '../../src/executor/read-task.ts';
import type { Backup } from '../../src/harness/kubernetes-api/index.ts';
import type { TaskInfo } from '../../src/mesos/index.ts';
import type { Pod, PodStatus } from '../../src/pod/index.ts';
import { killPolicy } from '../support/executor-under-test.ts';
import type { Entry } from './book.ts';
import type { Fault } from './faulty-proxy.ts';
import { type KindName, KINDS, podOf } from './kinds.ts';
import { type Laboratory, NODE_NAME } from './laboratory.ts';
import { type Random, randomOf } from './random.ts';
import type { Schedule, Step } from './schedule.ts';
import type { ApiTrace } from './trace.ts';

const PODS = '/api/v1/namespaces/default/pods';

export class Conductor {
  readonly book: Entry[] = [];
  readonly #lab: Laboratory;
  readonly #trace: ApiTrace | undefined;
  readonly #random: Random;
  #diskIsFull = false;
  #backup: { readonly state: Backup; readonly known: ReadonlySet<Entry> } | undefined;

  constructor(lab: Laboratory, schedule: Pick<Schedule, 'seed'>, trace: ApiTrace | undefined) {
    this.#lab = lab;
    this.#trace = trace;
    this.#random = randomOf(schedule.seed ^ 0x5eed);
  }

  async carryOut(step: Step): Promise<void> {
    if (step.do !== 'wait') this.#lab.note(JSON.stringify(step));
    const { agent, toAgent, toEngine, toApi, api, engine } = this.#lab;
    switch (step.do) {
      case 'launch':
        this.launch(step);
        return;
      case 'launch-group': {
        const tasks = step.kinds.map((kind, n) => this.#enter(kind, step.names[n] ?? '', true));
        // All or none: what cannot be launched takes the other with it.
        const group = tasks.map(({ entry }) => entry);
        for (const entry of group) entry.group = group;
        if (group.some(({ kind }) => kind === 'invalid')) for (const entry of group) entry.told = true;
        agent.launchGroup(tasks.map(({ task }) => task));
        return;
      }
      case 'kill':
        return this.#with(step.of, ({ taskId }) => agent.kill(taskId, step.graceMs === undefined ? undefined : killPolicy(step.graceMs)));
      case 'delete':
        return this.#with(step.of, (entry) => this.delete(entry, step.graceSeconds));
      case 'replace':
        return this.#with(step.of, async (entry) => {
          await this.delete(entry, 0);
          this.launch({ kind: step.kind, name: entry.name, bound: true });
        });
      case 'crash':
        this.#lab.note(this.#lab.crash() ? 'the worker is killed' : 'there is no worker to kill');
        return;
      case 'restart':
        return agent.message(Buffer.from('km:restart'));
      case 'crash-all':
        for (const entry of this.book) entry.told = true;
        await this.#lab.crashAll();
        // Agents start executors for tasks.
        this.launch({ kind: 'server', name: step.name, bound: true });
        return this.#lab.spawn();
      case 'agent-restart':
        await Promise.all([toAgent.down(), agent.stopListening()]);
        if (step.withCrash) this.#lab.crash();
        await sleep(step.ms);
        await Promise.all([toAgent.up(), agent.startListening(step)]);
        return;
      case 'agent-disconnect':
        return toAgent.cut();
      case 'agent-faults':
        return toAgent.break({ fault: faultOf(step.fault), times: step.times });
      case 'engine-down':
        await toEngine.down();
        await sleep(step.ms);
        return toEngine.up();
      case 'engine-cut':
        return toEngine.cut();
      case 'engine-restart':
        if (!step.liveRestore) this.#hitAll();
        return engine.restart(step.ms, step.liveRestore);
      case 'engine-faults':
        return toEngine.break({ fault: faultOf(step.fault), times: step.times, matches: ({ method, path }) => isCall(step.call, method, path) });
      case 'take-away':
        return this.#with(step.of, (entry) => this.#takeAway(entry, step.how, step.sandbox), false);
      case 'api-down':
        await toApi?.down();
        await sleep(step.ms);
        return toApi?.up();
      case 'api-faults':
        return toApi?.break({ fault: faultOf(step.fault), times: step.times });
      case 'api-watches':
        toApi?.break({ fault: { kind: 'silence' }, times: step.how === 'silence' ? 3 : 0, matches: ({ path }) => path.includes('watch=') });
        return toApi?.cut();
      case 'api-backup':
        if (api !== undefined) this.#backup = { state: api.backup(), known: new Set(this.book) };
        return;
      case 'api-restore':
        return this.#restore();
      case 'disk-full':
        this.#diskIsFull = true;
        for (const entry of this.book) entry.refusable ||= agent.tasks.get(entry.taskId)?.states.includes('TASK_RUNNING') !== true;
        return this.#lab.fillDisk();
      case 'disk-free':
        this.#diskIsFull = false;
        return this.#lab.freeDisk();
      case 'heal':
        this.#diskIsFull = false;
        return this.#lab.heal();
      case 'wait':
        await sleep(step.ms);
    }
  }

  /** Deletes the pod in the API as a user does; 0 seconds take the object away at once. */
  async delete(entry: Entry, graceSeconds?: number): Promise<void> {
    const { api } = this.#lab;
    const object = this.object(entry);
    if (api === undefined || object === undefined) return;
    entry.told = true;
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: entry.uid }, ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }) };
    const answer = await fetch(`${api.url}${PODS}/${entry.name}`, { method: 'DELETE', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const { spec, status } = (await answer.json()) as Pod & { status?: PodStatus };
    // Of a pod that no node has, or that is over, the API waits for nobody; only it knows whether it was over by then.
    if (answer.ok && (graceSeconds === 0 || spec?.nodeName === undefined || status?.phase === 'Succeeded' || status?.phase === 'Failed')) entry.forced = true;
    if (!answer.ok && answer.status !== 404 && answer.status !== 409) throw new Error(`the API did not delete ${entry.name}: ${answer.status}`);
  }

  /** The pod's object in the API, if that is still this pod. */
  object({ name, uid }: Entry): KubernetesObject | undefined {
    const found = this.#lab.api?.get({ group: '', resource: 'pods', namespace: 'default', name });
    return found?.metadata.uid === uid ? found : undefined;
  }

  launch({ kind, name, bound, twice }: { kind: KindName; name: string; bound: boolean; twice?: true }): Entry {
    const { entry, task } = this.#enter(kind, name, bound);
    this.#lab.agent.launch(task);
    if (twice === true && this.#lab.agent.tasks.get(entry.taskId)?.terminal !== true) this.#lab.agent.launch(task); // one that the agent has dropped reaches no executor
    return entry;
  }

  #enter(kind: KindName, name: string, bound: boolean): { entry: Entry; task: TaskInfo } {
    const { api, agent } = this.#lab;
    const pod = podOf(kind, this.#random, name, bound && api !== undefined ? NODE_NAME : undefined);
    const taskId = `task-${name}-${randomBytes(2).toString('hex')}`;
    const isDocker = 'docker' in KINDS[kind];
    const uid = isDocker ? derivedUid(agent.identity.frameworkId, taskId) : (pod.metadata?.uid ?? '');
    if (api !== undefined && !isDocker) put(this.#lab, pod);
    // Under that name the API knows no other pod any more.
    for (const entry of this.book) if (api !== undefined && entry.name === name) entry.told = entry.forced = true;
    const entry: Entry = { kind, pod, uid, name, taskId, told: false, hit: false, refusable: this.#diskIsFull, group: [], forced: false };
    this.book.push(entry);
    const task = { name: 'task', task_id: { value: taskId }, agent_id: { value: agent.identity.agentId }, resources: this.#lab.resources };
    return { entry, task: isDocker ? { ...task, ...dockerTask(pod) } : { ...task, data: Buffer.from(JSON.stringify(pod)) } };
  }

  async #with(of: number, work: (entry: Entry) => void | Promise<void>, tells = true): Promise<void> {
    const entry = this.book[of % Math.max(1, this.book.length)];
    if (entry === undefined) return;
    if (tells) entry.told = true;
    await work(entry);
  }

  async #takeAway(entry: Entry, how: 'kill' | 'remove', sandbox: boolean): Promise<void> {
    entry.hit = true;
    const { agent, engine } = this.#lab;
    const all = await engine.containersOf(agent.identity);
    const victim = all.find(({ labels }) => labels['io.kubernetes.pod.uid'] === entry.uid && (labels['io.kubernetes.docker.type'] === 'podsandbox') === sandbox);
    if (victim !== undefined) await engine.client[how](victim.id);
  }

  #hitAll(): void {
    for (const entry of this.book) entry.hit = true;
  }

  async #restore(): Promise<void> {
    const { api, toApi } = this.#lab;
    const backup = this.#backup;
    if (api === undefined || backup === undefined) return;
    // Of what came after the backup the API knows nothing: that is a positive answer.
    for (const entry of this.book) if (!backup.known.has(entry)) entry.told = true;
    for (const entry of this.book) entry.forced ||= !backup.known.has(entry);
    toApi?.cut();
    await api.restore(backup.state);
    this.#trace?.reset();
  }
}

/** The pod's first container as Marathon would have it. */
function dockerTask({ spec }: Pod): Partial<TaskInfo> {
  const { image = '', command = [] } = spec?.containers[0] ?? {};
  const scalar = (name: string, value: number) => ({ name, type: 'SCALAR' as const, scalar: { value } });
  return {
    container: { type: 'DOCKER', docker: { image, network: 'BRIDGE' } },
    command: { value: command.at(-1) ?? '' },
    resources: [scalar('cpus', 0.1), scalar('mem', 32)],
    health_check: { type: 'COMMAND', command: { value: 'true' }, delay_seconds: 0, interval_seconds: 1 },
  };
}

/** As the API server has a pod after its creation. */
function put({ api }: Laboratory, pod: Pod): void {
  const object = { ...pod, apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', creationTimestamp: new Date().toISOString(), ...pod.metadata }, status: { phase: 'Pending' } };
  api?.put(object as unknown as KubernetesObject);
}

function isCall(call: string, method: string, path: string): boolean {
  if (call === 'delete') return method === 'DELETE';
  return path.split('?')[0]?.endsWith(`/${call}`) === true;
}

/** A status by its number, or how the connection breaks. */
function faultOf(fault: string): Fault {
  switch (fault) {
    case '503':
    case '500':
    case '409':
    case '429':
      return { kind: 'answer', status: Number(fault), headers: fault === '429' ? { 'retry-after': '1' } : {}, body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: Number(fault), message: 'a fault of the laboratory' }) };
    case 'full':
      return { kind: 'answer', status: 500, body: JSON.stringify({ message: 'write /var/lib/docker/overlay2/a: no space left on device' }) };
    case 'cut':
      return { kind: 'cut', bytes: 20 };
    case 'delay':
      return { kind: 'delay', ms: 400 };
    case 'reset-before':
    case 'reset-after':
    case 'hang':
      return { kind: fault };
    default:
      throw new Error(`no fault is called ${fault}`);
  }
}
