import { type Clock, isCode, KmError, messageOf } from '../base/index.ts';
import type { KillPolicy, TaskInfo } from '../mesos/index.ts';
import { fieldThatNeedsApi, identityOf, isTerminal, type Pod, type PodIdentity, parsePodList, type ValidPod } from '../pod/index.ts';
import type { PodRuntime } from '../runtime/index.ts';
import type { KillCause, PodReport, StatusReporter, TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { adjustedPod } from './adjusted-pod.ts';
import { bindHere } from './bind-here.ts';
import { Graves } from './graves.ts';
import type { JournalEntry, KnownPod, PodRecord } from './journal-entry.ts';
import type { KubernetesSide } from './kubernetes-side.ts';
import { mergeOrders, type Order } from './order.ts';
import { checked, derivedUid, faultMessage, killGraceMs, readTask, recordOf } from './read-task.ts';
import { TaskTimers } from './task-timers.ts';
import { Tombstones } from './tombstones.ts';

export interface TasksOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly frameworkId: string;
  readonly launchGraceMs: number;
  readonly maxPods: number;
  readonly runtime: PodRuntime;
  readonly reporter: StatusReporter;
  readonly kubernetes: () => KubernetesSide | undefined;
  readonly record: (entry: JournalEntry) => void;
  /** False when the task is known already. */
  readonly accept: (task: TaskInfo) => boolean;
  readonly update: (update: TaskUpdateDraft) => void;
  /** Whether the agent has been told anything of the task. */
  readonly said: (taskId: string) => boolean;
  /** The task is over on all sides. */
  readonly forget: (taskId: string) => void;
}

interface Task {
  readonly taskId: string;
  record?: PodRecord;
  /** Present: the API has or had the pod. Absent: it said that it has none, and never had. */
  presence: 'present' | 'absent' | 'unknown';
  /** Set from the moment at which it has to end, also while its launch is still under way. */
  order: Order | undefined;
  readonly timers: TaskTimers;
}

/**
 * The tasks of this executor and the pods that they are: each launch becomes a pod worker or a terminal update, each order to end
 * (from Mesos or from the API) reaches its pod, also when it comes before the pod has begun.
 *
 * Between awaits: `#owners` has every UID that is being launched or runs, with its task.
 */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #tasks = new Map<string, Task>();
  readonly #owners = new Map<string, string>();
  /** Pods that the API has deleted: a launch that comes later than the deletion must not bring them back. */
  readonly #deleted = new Tombstones();
  readonly #graves: Graves;
  #closing: Order | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: TasksOptions) {
    const { clock, logger, runtime, kubernetes } = options;
    this.#options = options;
    this.#graves = new Graves({
      clock,
      logger,
      isAlive: (uid) => this.#owners.has(uid) || runtime.hasContainers(uid),
      remove: async (pod) => kubernetes()?.deletePod(pod),
    });
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Launches one task. Never throws: what is wrong with the task becomes its terminal update. */
  async launch(info: TaskInfo): Promise<void> {
    const task = this.#accept(info);
    if (task !== undefined) await this.#begin(task, info);
  }

  /** Launches a task that an earlier process of this executor had accepted and not come to; `order`, if it is to end. */
  async relaunch(info: TaskInfo, order: Order | undefined): Promise<void> {
    const taskId = info.task_id.value;
    if (this.#tasks.has(taskId)) return;
    const task = this.#add(taskId);
    task.order = order ?? task.order;
    await this.#begin(task, info);
  }

  /** Launches all tasks of a group, or none of them. */
  async launchGroup(infos: readonly TaskInfo[]): Promise<void> {
    const accepted = infos.map((info) => ({ info, task: this.#accept(info) })).filter((entry) => entry.task !== undefined) as { info: TaskInfo; task: Task }[];
    const read = await Promise.all(accepted.map(async ({ info, task }) => {
      try {
        const pod = await this.#read(info);
        this.#claim(task, pod);
        return { info, task, pod };
      } catch (error) {
        return { info, task, error };
      }
    }));
    const faulty = read.find((entry) => 'error' in entry);
    await Promise.all(read.map(async (entry) => {
      if ('error' in entry) return this.#refuse(entry.task, entry.error);
      const other = faulty === undefined ? undefined : `the group is not launched, since task ${faulty.task.taskId} cannot be: ${faultMessage(faulty.error)}`;
      if (other !== undefined) return this.#refuse(entry.task, new KmError('invalid', other), 'REASON_TASK_GROUP_INVALID');
      return this.#start(entry.task, entry.pod, entry.info).catch((error: unknown) => this.#refuse(entry.task, error));
    }));
  }

  /** Runs the pods of `ExecutorInfo.data`; they live as long as the executor and are no tasks. */
  async launchStatic(data: Uint8Array): Promise<void> {
    const { logger } = this.#options;
    const pods = await parsePodList(data).catch((error: unknown) => {
      logger.error('ExecutorInfo.data holds no list of static pods', { error: messageOf(error) });
      return [];
    });
    for (const given of pods) {
      const taskId = `static/${given.metadata?.namespace ?? 'default'}/${given.metadata?.name ?? ''}`;
      if (this.#tasks.has(taskId)) continue;
      const task = this.#add(taskId, 'absent');
      try {
        const pod = await checked(given, async () => derivedUid(this.#options.frameworkId, taskId));
        this.#claim(task, pod);
        this.#run(task, { taskId, pod, launchedAt: this.#options.clock.now(), inApi: false });
      } catch (error) {
        logger.error('static pod cannot run', { pod: taskId, error: messageOf(error) });
        this.#drop(task);
      }
    }
  }

  /** Takes up a pod where an earlier process of this executor left it. */
  adopt(known: KnownPod): void {
    const { kubernetes, reporter, runtime, said, update } = this.#options;
    const { pod, taskId, inApi, last, order, restartCounts } = known;
    const task = this.#add(taskId, inApi ? 'present' : 'unknown');
    this.#owners.set(pod.metadata.uid, taskId);
    task.record = known;
    if (!said(taskId)) update({ taskId, state: 'TASK_STARTING' });
    if (inApi) kubernetes()?.expect(identityOf(pod), undefined);
    else kubernetes()?.bindLater(identityOf(pod));
    const { stage = 'syncing', cause, deleted = false } = last ?? {};
    reporter.adopt(taskId, last?.progress ?? { state: 'starting' });
    this.#setTimers(task, known);
    runtime.launch(pod, taskId, { restartCounts, ...(last === undefined ? {} : { status: last.status }) });
    task.order = order ?? task.order;
    if (task.order !== undefined) this.#carryOut(task, task.order);
    else if (stage !== 'syncing') this.#kill(task, { cause: cause ?? { kind: 'mesos-kill', message: 'the pod was ending' }, strict: false, deleted });
  }

  /** KILL of the agent; its policy beats the task's, which beats the pod's grace. */
  kill(taskId: string, policy: KillPolicy | undefined): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return this.#options.logger.info('KILL for a task that is not (any more)', { task: taskId });
    const graceMs = killGraceMs(policy) ?? task.record?.killGraceMs;
    const cause = { kind: 'mesos-kill', message: 'killed by the framework' } as const;
    this.#kill(task, { cause, strict: graceMs !== undefined, deleted: false, ...(graceMs === undefined ? {} : this.#within(graceMs)) });
  }

  /** Ends every pod within `graceMs`; resolves when all are gone and both sides told. A launch that comes later ends at once. */
  async killAll(cause: KillCause, graceMs: number): Promise<void> {
    this.#closing = { cause, ...this.#within(graceMs), strict: true, deleted: false };
    for (const task of [...this.#tasks.values()]) {
      const own = task.record?.pod.spec.terminationGracePeriodSeconds;
      this.#kill(task, { ...this.#closing, ...this.#within(own === undefined ? graceMs : Math.min(graceMs, own * 1000)) });
    }
    if (this.#tasks.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** What the runtime tells of a pod. */
  report(report: PodReport): void {
    const { reporter } = this.#options;
    const task = this.#tasks.get(report.taskId);
    if (task === undefined) return;
    reporter.report(report);
    if (reporter.progressOf(report.taskId)?.state !== 'starting') task.timers.launched();
    this.#finishIfAlone(task, report);
  }

  /** A pod on our node, as the API has it now. */
  onApiPod(pod: Pod): void {
    const { uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
    const task = this.#taskOf(uid);
    if (task === undefined) return this.#graves.consider(pod);
    this.#present(task);
    task.timers.recheckLater(() => {
      this.#options.kubernetes()?.believe(uid);
      this.#options.reporter.recheck(task.taskId);
    });
    if (deletionTimestamp === undefined) return this.#adjust(task, pod);
    this.#delete(task, (deletionGracePeriodSeconds ?? 0) * 1000);
  }

  /** The API's spec is what the pod shall be: a new image, deadline or label reaches its worker. */
  #adjust(task: Task, given: Pod): void {
    const { record } = task;
    const adjusted = record === undefined ? undefined : adjustedPod(given, record.pod, this.#options.logger);
    if (record === undefined || adjusted === undefined) return;
    task.record = { ...record, pod: adjusted };
    this.#options.record({ kind: 'pod', record: task.record });
    this.#options.runtime.update(adjusted);
  }

  /** The API positively does not have that pod any more. */
  onApiDeleted({ uid }: PodIdentity): void {
    this.#deleted.add(uid);
    this.#graves.forget(uid);
    const task = this.#taskOf(uid);
    if (task !== undefined) this.#delete(task, 0);
  }

  /** A status patch found no such pod: deleted, if it ever was there; else the task runs from its data alone. */
  onPatchGone(pod: PodIdentity, how: 'gone' | 'other-uid'): void {
    const task = this.#taskOf(pod.uid);
    if (task === undefined) return;
    if (task.presence === 'present' || how === 'other-uid') return this.onApiDeleted(pod);
    task.presence = 'absent';
    const worker = this.#options.runtime.get(pod.uid);
    if (worker !== undefined && isTerminal(worker.status?.phase)) this.#options.runtime.finish(pod.uid);
  }

  /** Both sides know all there is to know of a pod that is gone. */
  onSettled({ taskId }: PodReport): void {
    const task = this.#tasks.get(taskId);
    if (task !== undefined) this.#drop(task);
  }

  /** What `km:status` answers. */
  summary(): { taskId: string; pod: string; uid: string; phase: string | undefined; stage: string | undefined }[] {
    return [...this.#tasks.values()].map(({ taskId, record }) => {
      const worker = record === undefined ? undefined : this.#options.runtime.get(record.pod.metadata.uid);
      const { namespace = '', name = '', uid = '' } = record?.pod.metadata ?? {};
      return { taskId, pod: `${namespace}/${name}`, uid, phase: worker?.status?.phase, stage: worker?.stage };
    });
  }

  #accept(info: TaskInfo): Task | undefined {
    const taskId = info.task_id.value;
    if (this.#tasks.has(taskId) || !this.#options.accept(info)) {
      this.#options.logger.info('task was launched before, it stays one pod', { task: taskId });
      return undefined;
    }
    return this.#add(taskId);
  }

  #add(taskId: string, presence: Task['presence'] = 'unknown'): Task {
    const task: Task = { taskId, presence, order: this.#closing, timers: new TaskTimers(this.#options.clock) };
    this.#tasks.set(taskId, task);
    return task;
  }

  async #begin(task: Task, info: TaskInfo): Promise<void> {
    try {
      const pod = await this.#read(info);
      this.#claim(task, pod);
      await this.#start(task, pod, info);
    } catch (error) {
      this.#refuse(task, error);
    }
  }

  #read(info: TaskInfo): Promise<ValidPod> {
    return readTask(info, async (pod) => {
      const { namespace = 'default', name } = pod.metadata ?? {};
      const known = name === undefined ? undefined : await this.#options.kubernetes()?.uidOf(namespace, name).catch(() => undefined);
      return known ?? derivedUid(this.#options.frameworkId, info.task_id.value);
    });
  }

  /** From here on the pod is this task's. Throws code `invalid` when another task has it, or when it needs an API and there is none. */
  #claim(task: Task, pod: ValidPod): void {
    const field = this.#options.kubernetes() === undefined ? fieldThatNeedsApi(pod) : undefined;
    if (field !== undefined) throw new KmError('invalid', `${field}: comes from a Kubernetes API, and this executor has none (--kubeconfig)`);
    const { uid, namespace, name } = pod.metadata;
    const owner = this.#owners.get(uid);
    if (owner !== undefined) throw new KmError('invalid', `metadata.uid: pod ${namespace}/${name} (${uid}) is run by task ${owner} already`);
    this.#owners.set(uid, task.taskId);
    task.record = { taskId: task.taskId, pod, launchedAt: this.#options.clock.now(), inApi: false };
  }

  async #start(task: Task, pod: ValidPod, info: TaskInfo): Promise<void> {
    const { record: write, update, maxPods, clock } = this.#options;
    const record = recordOf(info, pod, clock.now());
    task.record = record;
    write({ kind: 'pod', record }); // before the agent hears of it: once it has, only we know the task's pod
    update({ taskId: task.taskId, state: 'TASK_STARTING' });
    if (this.#owners.size > maxPods) {
      throw new KmError('unavailable', `Node didn't have enough resource: pods, requested: 1, used: ${this.#owners.size - 1}, capacity: ${maxPods}`);
    }
    await this.#bind(task, pod);
    this.#run(task, { ...record, inApi: task.presence === 'present' });
  }

  /** Finds out what the API knows of the pod and makes it ours there. Throws when it is another node's, or another pod. */
  async #bind(task: Task, pod: ValidPod): Promise<void> {
    const api = this.#options.kubernetes();
    const { uid } = pod.metadata;
    if (api === undefined) return;
    if (pod.spec.nodeName === api.nodeName || api.get(uid) !== undefined) return this.#present(task, pod);
    if (await bindHere(api, identityOf(pod), this.#options.logger)) this.#present(task, pod);
  }

  #run(task: Task, record: PodRecord): void {
    const { record: write, runtime, kubernetes, reporter } = this.#options;
    const { pod, taskId } = record;
    const { uid } = pod.metadata;
    task.record = record;
    write({ kind: 'pod', record });
    reporter.begin(taskId);
    if (task.presence === 'absent') reporter.markGone(taskId);
    this.#setTimers(task, record);
    runtime.launch(pod, taskId);
    const seen = kubernetes()?.get(uid);
    if (seen !== undefined) this.onApiPod(seen);
    if (this.#deleted.has(uid)) this.onApiDeleted(identityOf(pod));
    if (task.order !== undefined) this.#carryOut(task, task.order);
  }

  #setTimers(task: Task, record: PodRecord): void {
    task.timers.start(record, this.#options.launchGraceMs, (cause) => this.#kill(task, { cause, ...this.#within(0), strict: true, deleted: false }));
  }

  #kill(task: Task, order: Order): void {
    const merged = mergeOrders(task.order, order);
    if (merged !== task.order) this.#options.record({ kind: 'order', taskId: task.taskId, order: merged });
    task.order = merged;
    this.#carryOut(task, merged);
  }

  /** A pod that has not begun yet will end as soon as it begins. */
  #carryOut({ record }: Task, { cause, untilMs, strict, deleted }: Order): void {
    const { runtime, clock } = this.#options;
    const uid = record?.pod.metadata.uid;
    if (record === undefined || uid === undefined || runtime.get(uid) === undefined) return;
    const graceMs = untilMs === undefined ? record.pod.spec.terminationGracePeriodSeconds * 1000 : untilMs - clock.now();
    runtime.kill(uid, { cause, graceMs: Math.max(0, graceMs), strict }, deleted);
  }

  #delete(task: Task, graceMs: number): void {
    this.#kill(task, { cause: { kind: 'api-deletion', message: 'pod deleted in the Kubernetes API' }, ...this.#within(graceMs), strict: false, deleted: true });
  }

  #within(graceMs: number): { untilMs: number } {
    return { untilMs: this.#options.clock.now() + graceMs };
  }

  /** A pod that the API does not have leaves nothing behind once it is over: nobody would ever delete it. */
  #finishIfAlone(task: Task, { status, stage, pod }: PodReport): void {
    const alone = task.presence === 'absent' || this.#options.kubernetes() === undefined;
    if (alone && stage === 'syncing' && isTerminal(status.phase)) this.#options.runtime.finish(pod.metadata.uid);
  }

  /** The task ends before its pod has begun. */
  #refuse(task: Task, error: unknown, reason = 'REASON_TASK_INVALID'): void {
    const { taskId } = task;
    const message = faultMessage(error);
    this.#options.logger.warn('task refused', { task: taskId, error: message });
    const invalid = isCode(error, 'invalid');
    this.#options.update(invalid ? { taskId, state: 'TASK_ERROR', reason, message } : { taskId, state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message });
    this.#drop(task);
  }

  #drop(task: Task): void {
    const { runtime, reporter, kubernetes, record, forget } = this.#options;
    task.timers.stop();
    const uid = task.record?.pod.metadata.uid;
    this.#tasks.delete(task.taskId);
    if (uid !== undefined && this.#owners.get(uid) === task.taskId) {
      this.#owners.delete(uid);
      runtime.forget(uid);
      kubernetes()?.forget(uid);
    }
    reporter.forget(task.taskId);
    record({ kind: 'settled', taskId: task.taskId });
    forget(task.taskId);
    if (this.#tasks.size === 0) this.#onEmpty?.();
  }

  #present(task: Task, pod?: ValidPod): void {
    if (task.presence === 'present') return;
    task.presence = 'present';
    const known = pod ?? task.record?.pod;
    if (known !== undefined) this.#options.kubernetes()?.expect(identityOf(known), pod?.status);
    if (task.record !== undefined && pod === undefined) {
      task.record = { ...task.record, inApi: true };
      this.#options.record({ kind: 'pod', record: task.record });
    }
  }

  #taskOf(uid: string): Task | undefined {
    const taskId = this.#owners.get(uid);
    return taskId === undefined ? undefined : this.#tasks.get(taskId);
  }
}
