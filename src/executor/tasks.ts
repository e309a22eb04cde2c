import { type Clock, KmError, sleep } from '../base/index.ts';
import type { KillPolicy } from '../mesos/index.ts';
import { identityOf, isCritical, isTerminal, type Pod, type PodIdentity, type ValidPod } from '../pod/index.ts';
import type { Known, PodRuntime } from '../runtime/index.ts';
import { type KillCause, type PodReport, type StatusReporter, type TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { adjustedPod } from './adjusted-pod.ts';
import { Departures } from './departures.ts';
import { Graves } from './graves.ts';
import type { JournalEntry, KnownPod, PodRecord, Refused } from './journal-entry.ts';
import type { KubernetesSide } from './kubernetes-side.ts';
import { killOrder, mergeOrders, type Order } from './order.ts';
import { killGraceMs } from './read-task.ts';
import type { Task } from './task.ts';
import { TaskTimers } from './task-timers.ts';
import { Tombstones } from './tombstones.ts';

export interface TasksOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly launchGraceMs: number;
  readonly runtime: PodRuntime;
  readonly reporter: StatusReporter;
  readonly kubernetes: () => KubernetesSide | undefined;
  readonly record: (entry: JournalEntry) => void;
  readonly update: (update: TaskUpdateDraft) => void;
  /** Whether the agent has been told anything of the task. */
  readonly said: (taskId: string) => boolean;
  /** Whether a task that is over was that pod. */
  readonly isBygonePod: (uid: string) => boolean;
  /** The task is over on all sides. */
  readonly forget: (taskId: string) => void;
}

/** How much of the grace of a shutdown the other pods have before those that the node lives on are ended (the kubelet has its shutdownGracePeriodCriticalPods). */
const SHARE_BEFORE_CRITICAL = 2 / 3;

/**
 * The tasks of this executor and the pods that they are, once `Launches` has taken them in: each order to end
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
  readonly #departures = new Departures();
  #closing: Order | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: TasksOptions) {
    const { clock, logger, runtime, kubernetes } = options;
    this.#options = options;
    this.#graves = new Graves({
      clock,
      logger,
      isOurs: (uid) => this.#owners.has(uid),
      isOver: options.isBygonePod,
      isLeft: (uid) => runtime.isLeft(uid),
      remove: async (pod) => kubernetes()?.deletePod(pod),
      tellOfEnd: async (pod) => kubernetes()?.tellOfEnd(pod, undefined, 'task-over'),
    });
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** No task is left that its agent does not know to have ended. A static pod never ends. */
  allOver(isTerminal: (taskId: string) => boolean): boolean {
    return [...this.#tasks.keys()].every(isTerminal);
  }

  /** The pods that come before that of `task`: launched earlier or running already, and not over. */
  othersOf(task: Task): ValidPod[] {
    const all = [...this.#tasks.values()];
    const at = all.indexOf(task);
    return all.flatMap(({ record }, i) => {
      if (record === undefined || i === at) return [];
      const worker = this.#options.runtime.get(record.pod.metadata.uid);
      return (i > at && worker === undefined) || isTerminal(worker?.status?.phase) ? [] : [record.pod];
    });
  }

  /** The task whose pod that is. */
  ownerOf(uid: string): string | undefined {
    return this.#owners.get(uid);
  }

  has(taskId: string): boolean {
    return this.#tasks.has(taskId);
  }

  /** Takes up a pod where an earlier process of this executor left it. */
  adopt(known: KnownPod): void {
    const { kubernetes, reporter, runtime, said, update } = this.#options;
    const { pod, taskId, inApi, last, order, remembered } = known;
    const task = this.add(taskId, known.alone === true ? 'absent' : inApi ? 'present' : 'unknown');
    this.#owners.set(pod.metadata.uid, taskId);
    task.record = known;
    if (known.refused !== undefined) {
      kubernetes()?.expect(identityOf(pod), undefined);
      return this.#keepRefused(task, known, known.refused, order);
    }
    if (!said(taskId)) update({ taskId, state: 'TASK_STARTING' });
    if (inApi) kubernetes()?.expect(identityOf(pod), undefined);
    else if (known.alone !== true) kubernetes()?.bindLater(identityOf(pod));
    const { stage = 'syncing', cause, deleted = false } = last ?? {};
    reporter.adopt(taskId, last?.progress ?? { state: 'starting' });
    if (known.alone === true) reporter.markGone(taskId);
    this.#setTimers(task, known);
    runtime.launch(pod, taskId, { ...knownOf(known), remembered, ...(last === undefined ? {} : { status: last.status, checkStatus: last.progress.check }) });
    task.order = order ?? task.order;
    if (task.order !== undefined) this.#carryOut(task);
    else if (stage !== 'syncing') this.#kill(task, { cause: cause ?? { kind: 'mesos-kill', message: 'the pod was ending' }, strict: false, deleted });
  }

  /**
   * The task is over before its pod has begun, and the API has its object, which says so from now on: the pod stays with us, without
   * anything to run, until that is deleted.
   */
  reject(task: Task, remains: ValidPod, refused: Refused): void {
    const { uid } = remains.metadata;
    const record = { taskId: task.taskId, pod: remains, launchedAt: this.#options.clock.now(), inApi: true, refused };
    this.#owners.set(uid, task.taskId);
    task.record = record;
    this.#options.record({ kind: 'pod', record });
    this.present(task, remains);
    this.#keepRefused(task, record, refused, task.order);
    const seen = this.#options.kubernetes()?.get(uid);
    if (seen !== undefined) this.onApiPod(seen);
    if (this.#deleted.has(uid)) this.onApiDeleted(identityOf(remains));
  }

  #keepRefused(task: Task, { pod, launchedAt }: PodRecord, { update, status }: Refused, order: Order | undefined): void {
    this.#options.update(update); // again after a crash: the ledger takes one terminal update
    this.#options.reporter.adopt(task.taskId, { state: 'ended' });
    this.#options.runtime.launch(pod, task.taskId, { acceptedAt: launchedAt, status });
    task.order = order ?? task.order;
    this.#carryOut(task);
  }

  /** KILL of the agent; its policy beats the task's, which beats the pod's grace. */
  kill(taskId: string, policy: KillPolicy | undefined): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return this.#options.logger.info('KILL for a task that is not (any more)', { task: taskId });
    this.#kill(task, killOrder(killGraceMs(policy) ?? task.record?.killGraceMs, this.#options.clock.now()));
  }

  /**
   * Ends every pod within `graceMs`, what the node lives on after all others; resolves when all are gone and both sides told. A launch that
   * comes later ends at once.
   */
  async killAll(cause: KillCause, graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.now() + graceMs;
    const endsAt = clock.elapsed() + graceMs;
    const closing = { cause, untilMs, strict: true, deleted: false };
    this.#closing = closing;
    const all = [...this.#tasks.values()];
    const critical = all.filter(({ record }) => record !== undefined && isCritical(record.pod));
    const others = all.filter((task) => !critical.includes(task));
    for (const task of critical) this.#order(task, closing); // a worker that comes after this one knows it
    const first = critical.length === 0 ? graceMs : graceMs * SHARE_BEFORE_CRITICAL;
    for (const task of others) this.#killWithin(task, closing, first);
    if (critical.length > 0 && others.length > 0) {
      const passed = new AbortController();
      await Promise.race([this.#departures.of(others.map(({ taskId }) => taskId)), sleep(clock, first, passed.signal).catch(() => undefined)]);
      passed.abort();
    }
    for (const task of critical) if (this.#tasks.has(task.taskId)) this.#killWithin(task, closing, endsAt - clock.elapsed());
    if (this.#tasks.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Ends every pod that there is, at once; what comes later is as welcome as ever. */
  endNow(cause: KillCause): void {
    for (const task of this.#tasks.values()) this.#kill(task, { cause, ...this.#within(0), strict: true, deleted: false });
  }

  #killWithin(task: Task, order: Order, graceMs: number): void {
    const own = task.record?.pod.spec.terminationGracePeriodSeconds;
    this.#kill(task, { ...order, ...this.#within(own === undefined ? graceMs : Math.min(graceMs, own * 1000)) });
  }

  /** What the runtime tells of a pod. */
  report(report: PodReport): void {
    const { reporter } = this.#options;
    const task = this.#tasks.get(report.taskId);
    if (task === undefined) return;
    reporter.report(report);
    if (reporter.progressOf(report.taskId)?.state !== 'starting') task.timers.launched();
    if (report.stage === 'stopped' || report.stage === 'terminated') this.#departures.departed(report.taskId);
    this.#finishIfAlone(task, report);
  }

  /** A pod on our node, as the API has it now. */
  onApiPod(pod: Pod): void {
    const { uid = '', deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
    const task = this.#taskOf(uid);
    if (task === undefined) return this.#graves.consider(pod);
    this.present(task);
    task.timers.recheckLater(() => {
      this.#options.kubernetes()?.believe(uid);
      this.#options.reporter.recheck(task.taskId);
    });
    this.#options.runtime.hear(uid, pod.status?.conditions ?? []);
    if (deletionTimestamp === undefined) return this.#adjust(task, pod);
    this.#delete(task, (deletionGracePeriodSeconds ?? 0) * 1000);
  }

  /** The API's spec is what the pod shall be: a new image, deadline or label reaches its worker. */
  #adjust(task: Task, given: Pod): void {
    const { record } = task;
    const adjusted = record === undefined || record.refused !== undefined ? undefined : adjustedPod(given, record.pod, this.#options.logger);
    if (record === undefined || adjusted === undefined) return;
    task.record = { ...record, pod: adjusted.pod };
    this.#options.record({ kind: 'pod', record: task.record });
    this.#options.runtime.update(adjusted.pod, adjusted.notFollowed);
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
    if (task !== undefined) this.drop(task);
  }

  /** What `km:status` answers. */
  summary(): { taskId: string; pod: string; uid: string; phase: string | undefined; stage: string | undefined }[] {
    return [...this.#tasks.values()].map(({ taskId, record }) => {
      const worker = record === undefined ? undefined : this.#options.runtime.get(record.pod.metadata.uid);
      const { namespace = '', name = '', uid = '' } = record?.pod.metadata ?? {};
      return { taskId, pod: `${namespace}/${name}`, uid, phase: worker?.status?.phase, stage: worker?.stage };
    });
  }

  /** A task that has begun to be. */
  add(taskId: string, presence: Task['presence'] = 'unknown'): Task {
    const task: Task = { taskId, presence, order: this.#closing, timers: new TaskTimers(this.#options.clock) };
    this.#tasks.set(taskId, task);
    return task;
  }

  /** From here on the pod is this task's. Throws code `invalid` when another task has it. */
  claim(task: Task, pod: ValidPod): void {
    const { uid, namespace, name } = pod.metadata;
    const owner = this.#owners.get(uid);
    if (owner !== undefined) throw new KmError('invalid', `metadata.uid: pod ${namespace}/${name} (${uid}) is run by task ${owner} already`);
    this.#owners.set(uid, task.taskId);
    task.record = { taskId: task.taskId, pod, launchedAt: this.#options.clock.now(), inApi: false };
  }

  /** Begins the work on the pod of a task. */
  run(task: Task, record: PodRecord): void {
    const { record: write, runtime, kubernetes, reporter } = this.#options;
    const { pod, taskId } = record;
    const { uid } = pod.metadata;
    task.record = record;
    write({ kind: 'pod', record });
    reporter.begin(taskId);
    if (task.presence === 'absent') reporter.markGone(taskId);
    this.#setTimers(task, record);
    runtime.launch(pod, taskId, knownOf(record));
    const seen = kubernetes()?.get(uid);
    if (seen !== undefined) this.onApiPod(seen);
    if (this.#deleted.has(uid)) this.onApiDeleted(identityOf(pod));
    this.#carryOut(task);
  }

  #setTimers(task: Task, record: PodRecord): void {
    task.timers.start(record, this.#options.launchGraceMs, (cause) => this.#kill(task, { cause, ...this.#within(0), strict: true, deleted: false }));
  }

  #kill(task: Task, order: Order): void {
    try {
      this.#order(task, order);
    } finally {
      this.#carryOut(task); // also an order that could not be written down
    }
  }

  /** Notes an order, which is carried out by this process or the next one. */
  #order(task: Task, order: Order): void {
    const merged = mergeOrders(task.order, order);
    if (merged === task.order) return;
    task.order = merged;
    this.#options.record({ kind: 'order', taskId: task.taskId, order: merged });
  }

  /** A pod that has not begun yet will end as soon as it begins. */
  #carryOut(task: Task): void {
    const { runtime, clock } = this.#options;
    const { metadata: { uid }, spec } = task.record?.pod ?? { metadata: { uid: '' }, spec: undefined };
    if (task.order === undefined || spec === undefined || runtime.get(uid) === undefined) return;
    // The pod's own grace begins now, and does not begin anew in the next process.
    if (task.order.untilMs === undefined) this.#order(task, { ...task.order, ...this.#within(spec.terminationGracePeriodSeconds * 1000) });
    const { cause, untilMs = clock.now(), strict, deleted } = task.order;
    const keeps = this.#closing === undefined && cause.kind !== 'mesos-shutdown' && !this.#isAlone(task);
    runtime.kill(uid, { cause, graceMs: Math.max(0, untilMs - clock.now()), strict, keeps }, deleted);
  }

  #delete(task: Task, graceMs: number): void {
    this.#kill(task, { cause: { kind: 'api-deletion', message: 'pod deleted in the Kubernetes API' }, ...this.#within(graceMs), strict: false, deleted: true });
  }

  #within(graceMs: number): { untilMs: number } {
    return { untilMs: this.#options.clock.now() + graceMs };
  }

  /** A pod that the API does not have leaves nothing behind once it is over: nobody would ever delete it. */
  #finishIfAlone(task: Task, { status, stage, pod }: PodReport): void {
    const rests = stage === 'syncing' || stage === 'stopped';
    if (rests && isTerminal(status.phase) && this.#isAlone(task)) this.#options.runtime.finish(pod.metadata.uid);
  }

  #isAlone({ presence }: Task): boolean {
    return presence === 'absent' || this.#options.kubernetes() === undefined;
  }

  /** The task is over and forgotten. */
  drop(task: Task): void {
    const { runtime, reporter, kubernetes, record, forget } = this.#options;
    task.timers.stop();
    const uid = task.record?.pod.metadata.uid;
    const hasRun = uid !== undefined && this.#owners.get(uid) === task.taskId && runtime.get(uid) !== undefined;
    this.#tasks.delete(task.taskId);
    if (uid !== undefined && this.#owners.get(uid) === task.taskId) {
      this.#owners.delete(uid);
      runtime.forget(uid);
      kubernetes()?.forget(uid);
    }
    reporter.forget(task.taskId);
    record({ kind: 'settled', taskId: task.taskId, ...(hasRun && { uid }) });
    forget(task.taskId);
    this.#departures.departed(task.taskId);
    if (this.#tasks.size === 0) this.#onEmpty?.();
  }

  /** The API has the pod, which is `pod` where the task does not know it yet. */
  present(task: Task, pod?: ValidPod): void {
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

/** What the runtime has to know of a pod. */
function knownOf({ launchedAt, limits, check, endsUnhealthy }: PodRecord): Known {
  return { acceptedAt: launchedAt, limits, check, endsUnhealthy };
}
