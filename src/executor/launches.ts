import { type Clock, type ErrorCode, isCode, KmError, messageOf } from '../base/index.ts';
import { hostAppArmor } from '../docker/index.ts';
import type { TaskInfo } from '../mesos/index.ts';
import { type Allocatable, fieldThatNeedsApi, identityOf, parsePodList, type Pod, refusalOf, remainsOf, type ValidPod, wantsAppArmor } from '../pod/index.ts';
import type { TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { bindHere } from './bind-here.ts';
import { isDockerTask } from './docker-task/is-docker-task.ts';
import type { ExecutorState, JournalEntry, KnownPod, PodRecord } from './journal-entry.ts';
import type { KubernetesSide } from './kubernetes-side.ts';
import { checked, derivedUid, faultMessage, podOfTask, recordOf } from './read-task.ts';
import type { Task } from './task.ts';
import { taskCheck } from './task-check.ts';
import type { Tasks } from './tasks.ts';

export interface LaunchesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly frameworkId: string;
  /** The executor's own, in which Docker tasks get directories. */
  readonly sandbox: string;
  /** What the pods of this node may request together, once the agent has told. */
  readonly allocatable: () => Promise<Allocatable>;
  /** Names, and beginnings with `*`. */
  readonly allowedUnsafeSysctls: readonly string[];
  readonly tasks: Tasks;
  /** No more tasks are taken. */
  readonly draining: () => boolean;
  /** Whether so many bytes can be written down. */
  readonly hasRoom: (bytes: number) => boolean;
  /** What the agent leaves to us between SHUTDOWN and signal 9, milliseconds. */
  readonly shutdownGraceMs: number;
  /** There is an API to ask (`--kubeconfig`); as whose node is known only once the agent has told. */
  readonly hasApi: boolean;
  readonly kubernetes: () => KubernetesSide | undefined;
  readonly record: (entry: JournalEntry) => void;
  /** False when the task is known already. */
  readonly accept: (task: TaskInfo) => boolean;
  readonly update: (update: TaskUpdateDraft) => void;
  /** Whether the agent has been told anything of the task; whether that was its end. */
  readonly said: (taskId: string) => boolean;
  readonly isOver: (taskId: string) => boolean;
  /** Whether it has run its pod, and is over on all sides. */
  readonly isBygone: (taskId: string) => boolean;
}

/** A task that is launched with others. */
interface Member {
  readonly info: TaskInfo;
  readonly task: Task;
}

/** The intake of tasks: each launch becomes a pod of `Tasks`, or a terminal update that says why not. */
export class Launches {
  readonly #options: LaunchesOptions;
  #warned = false;

  constructor(options: LaunchesOptions) {
    this.#options = options;
  }

  /** Launches one task. Never throws: what is wrong with the task becomes its terminal update. */
  async launch(info: TaskInfo): Promise<void> {
    const task = this.#accept(info);
    if (task !== undefined) await this.#begin(task, info);
  }

  /** Launches the tasks that an earlier process of this executor had accepted and not come to: groups that it had not decided on as such. */
  takeUp(open: readonly TaskInfo[], state: Pick<ExecutorState, 'order' | 'undecided'>): void {
    const member = (info: TaskInfo): Member => {
      const task = this.#options.tasks.add(info.task_id.value);
      task.order = state.order(task.taskId) ?? task.order;
      return { info, task };
    };
    const rest = new Map(open.map((info) => [info.task_id.value, info]));
    for (const taskIds of state.undecided()) {
      const infos = taskIds.flatMap((taskId) => rest.get(taskId) ?? []);
      for (const taskId of taskIds) rest.delete(taskId);
      const broken = infos.length < taskIds.length ? new KmError('invalid', 'the group is not launched, since not all of its tasks can be') : undefined;
      void this.#launchMembers(taskIds, infos.map(member), broken);
    }
    for (const info of rest.values()) {
      if (this.#options.tasks.has(info.task_id.value)) continue;
      const { task } = member(info);
      void this.#begin(task, info);
    }
  }

  /** Takes up a task of which the process before this one had not found out whether there is room for it. Never throws. */
  async resume({ unplaced: _, ...known }: KnownPod): Promise<void> {
    const { tasks, said, isOver, update } = this.#options;
    const { taskId, pod } = known;
    const task = tasks.add(taskId, known.alone === true ? 'absent' : 'unknown');
    task.order = known.order ?? task.order;
    if (isOver(taskId)) return tasks.drop(task); // it was refused, and that was said
    try {
      this.#claim(task, pod);
      task.record = known;
      if (!said(taskId)) update({ taskId, state: 'TASK_STARTING' });
      await this.#place(task, known);
      tasks.run(task, this.#placed(task, known));
    } catch (error) {
      this.#refuse(task, error, pod);
    }
  }

  /** Launches all tasks of a group, or none of them. */
  async launchGroup(infos: readonly TaskInfo[]): Promise<void> {
    const taskIds = infos.map(({ task_id }) => task_id.value).filter((taskId) => !this.#options.tasks.has(taskId));
    if (taskIds.length > 0) this.#options.record({ kind: 'group', taskIds, decided: false }); // before its tasks: whoever comes after us must not take one for a task alone
    const members = infos.flatMap((info): Member[] => {
      const task = this.#accept(info);
      return task === undefined ? [] : [{ info, task }];
    });
    if (taskIds.length > 0) await this.#launchMembers(taskIds, members);
  }

  /** Nothing is written or told of any before all are known to have their place. `broken`: why the group as a whole cannot be. */
  async #launchMembers(taskIds: readonly string[], members: readonly Member[], broken?: KmError): Promise<void> {
    const read = await Promise.all(members.map(async ({ info, task }) => ({ info, task, ...(await this.#read(task, info)) })));
    const faulty = read.find(({ error }) => error !== undefined);
    const others = ({ task, error }: { task: Task; error?: unknown }, code: ErrorCode): KmError => new KmError(code, `the group is not launched, since task ${task.taskId} cannot be: ${faultMessage(error)}`);
    const invalid = faulty === undefined ? broken : others(faulty, 'invalid');
    const prepared = invalid === undefined ? await Promise.all(read.map(async ({ info, task, given, pod }) => ({ task, given, ...(pod && (await this.#tryPlace(task, pod, info))) }))) : [];
    const refused = prepared.find(({ error }) => error !== undefined);
    if (invalid !== undefined) {
      for (const { task, given, error } of read) {
        if (error !== undefined) this.#refuse(task, error, given);
        else this.#refuse(task, invalid, given, 'REASON_TASK_GROUP_INVALID');
      }
    } else if (refused !== undefined) {
      for (const { task, given, error } of prepared) this.#refuse(task, error ?? others(refused, 'unavailable'), given);
    }
    this.#options.record({ kind: 'group', taskIds, decided: true }); // behind what is refused, before what is launched
    for (const { task, record } of invalid === undefined && refused === undefined ? prepared : []) {
      if (record === undefined) continue;
      this.#announce(record);
      this.#options.tasks.run(task, this.#placed(task, record));
    }
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
      if (this.#options.tasks.has(taskId) || this.#options.isBygone(taskId)) continue; // the agent tells of them each time that it is subscribed with
      const task = this.#options.tasks.add(taskId, 'absent');
      try {
        const pod = await checked(given, async () => derivedUid(this.#options.frameworkId, taskId));
        this.#claim(task, pod);
        this.#options.tasks.run(task, { taskId, pod, launchedAt: this.#options.clock.now(), inApi: false, alone: true });
      } catch (error) {
        logger.error('static pod cannot run', { pod: taskId, error: messageOf(error) });
        this.#options.tasks.drop(task);
      }
    }
  }

  #accept(info: TaskInfo): Task | undefined {
    const taskId = info.task_id.value;
    const known = this.#options.tasks.has(taskId) || !this.#options.accept(info);
    if (known) {
      this.#options.logger.info('task was launched before, its pod is not run a second time', { task: taskId });
      return undefined;
    }
    return this.#options.tasks.add(taskId);
  }

  async #begin(task: Task, info: TaskInfo): Promise<void> {
    const { given, pod, error } = await this.#read(task, info);
    if (pod === undefined) return this.#refuse(task, error, given);
    await this.#start(task, pod, info).catch((fault: unknown) => this.#refuse(task, fault, given));
  }

  /** The pod as given, and as it is to run: then it is this task's. Or why it cannot. */
  async #read(task: Task, info: TaskInfo): Promise<{ given?: Pod; pod?: ValidPod; error?: unknown }> {
    let given: Pod | undefined;
    try {
      if (info.check !== undefined) taskCheck(info.check);
      if (isDockerTask(info)) return { pod: await this.#readDocker(task, info) };
      given = await podOfTask(info);
      const pod = await checked(given, async ({ metadata: { namespace = 'default', name } = {} }) => {
        const known = name === undefined ? undefined : await this.#options.kubernetes()?.uidOf(namespace, name).catch(() => undefined);
        return known ?? derivedUid(this.#options.frameworkId, info.task_id.value);
      });
      this.#claim(task, pod);
      return { given: pod, pod };
    } catch (error) {
      return { error, ...(given === undefined ? {} : { given }) };
    }
  }

  /** The pod that a Docker task is; no API has it. */
  async #readDocker(task: Task, info: TaskInfo): Promise<ValidPod> {
    const { podOfDockerTask } = await import('./docker-task/pod-of-docker-task.ts'); // most tasks are pods
    const uid = derivedUid(this.#options.frameworkId, info.task_id.value);
    const pod = await checked(podOfDockerTask(info, { uid, sandbox: this.#options.sandbox }), () => Promise.resolve(uid));
    task.presence = 'absent';
    this.#claim(task, pod);
    return pod;
  }

  /** From here on the pod is this task's. Throws code `invalid` when another task has it, or when it needs an API and there is none. */
  #claim(task: Task, pod: ValidPod): void {
    const field = this.#options.hasApi ? undefined : fieldThatNeedsApi(pod);
    if (field !== undefined) throw new KmError('invalid', `${field}: comes from a Kubernetes API, and this executor has none (--kubeconfig)`);
    this.#options.tasks.claim(task, pod);
  }

  async #start(task: Task, pod: ValidPod, info: TaskInfo): Promise<void> {
    const record = this.#recordOf(task, pod, info);
    this.#announce({ ...record, unplaced: true });
    await this.#place(task, record);
    this.#options.tasks.run(task, this.#placed(task, record));
  }

  async #tryPlace(task: Task, pod: ValidPod, info: TaskInfo): Promise<{ record?: PodRecord; error?: unknown }> {
    try {
      const record = this.#recordOf(task, pod, info);
      await this.#place(task, record);
      return { record };
    } catch (error) {
      return { error };
    }
  }

  /** Throws code `no-space` when the pod cannot be written down, `unavailable` when no more tasks are taken. */
  #recordOf(task: Task, pod: ValidPod, info: TaskInfo): PodRecord {
    const record: PodRecord = { ...recordOf(info, pod, this.#options.clock.now()), ...(task.presence === 'absent' ? { alone: true } : {}) };
    task.record = record;
    if (this.#options.draining()) throw new KmError('unavailable', 'the executor drains: it takes no more tasks');
    if (!this.#options.hasRoom(JSON.stringify(pod).length)) throw new KmError('no-space', 'no space left on the disk of --root-dir', { refusal: 'OutOfDisk' });
    return record;
  }

  #announce(record: PodRecord): void {
    this.#options.record({ kind: 'pod', record }); // before the agent hears of it: once it has, only we know the task's pod
    this.#options.update({ taskId: record.taskId, state: 'TASK_STARTING' });
  }

  /** All else that comes before the pod itself. Throws when it cannot run here. */
  async #place(task: Task, record: PodRecord): Promise<void> {
    this.#warnOfShortGrace(record);
    await this.#admit(task, record.pod);
    await this.#bind(task, record.pod);
  }

  #placed({ presence }: Task, record: PodRecord): PodRecord {
    return { ...record, inApi: presence === 'present' };
  }

  /** A SHUTDOWN would cut this pod's end short. Said once: all pods of a framework are usually alike. */
  #warnOfShortGrace({ killGraceMs, pod }: PodRecord): void {
    const graceMs = killGraceMs ?? pod.spec.terminationGracePeriodSeconds * 1000;
    const { shutdownGraceMs, logger } = this.#options;
    if (this.#warned || graceMs <= shutdownGraceMs) return;
    this.#warned = true;
    logger.warn('the agent gives executors less time to end than this pod wants: raise ExecutorInfo.shutdown_grace_period', { pod: pod.metadata.name, podGraceMs: graceMs, shutdownGraceMs });
  }

  /** Throws code `unavailable`, with the kubelet's word for it, when the pod cannot be on this node. */
  async #admit(task: Task, pod: ValidPod): Promise<void> {
    const { allocatable, allowedUnsafeSysctls, tasks, kubernetes } = this.#options;
    const { nodeSelector, affinity } = pod.spec;
    const node = nodeSelector === undefined && affinity?.nodeAffinity === undefined ? undefined : await kubernetes()?.node().catch(() => undefined);
    const appArmor = wantsAppArmor(pod) ? { appArmor: await hostAppArmor() } : {};
    const room = await allocatable();
    const refusal = refusalOf({ pod, others: tasks.othersOf(task), allocatable: room, node, allowedUnsafeSysctls, ...appArmor });
    if (refusal !== undefined) throw new KmError('unavailable', refusal.message, { refusal: refusal.reason });
  }

  /** Finds out what the API knows of the pod and makes it ours there. Throws when it is another node's, or another pod. */
  async #bind(task: Task, pod: ValidPod): Promise<void> {
    const api = this.#options.kubernetes();
    const { uid } = pod.metadata;
    if (api === undefined || task.presence === 'absent') return;
    if (pod.spec.nodeName === api.nodeName || api.get(uid) !== undefined) return this.#options.tasks.present(task, pod);
    if (await bindHere(api, identityOf(pod), this.#options.logger)) this.#options.tasks.present(task, pod);
  }

  /** The task ends before its pod has begun. Where the API's object is bound to us it fails, so that its controller replaces it. */
  #refuse(task: Task, error: unknown, given: Pod | undefined, invalidReason = 'REASON_TASK_INVALID'): void {
    const { taskId } = task;
    const { logger, update, tasks, kubernetes } = this.#options;
    const message = faultMessage(error);
    logger.warn('task refused', { task: taskId, error: message });
    const refused: TaskUpdateDraft = isCode(error, 'invalid')
      ? { taskId, state: 'TASK_ERROR', reason: invalidReason, message }
      : { taskId, state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message };
    const remains = given === undefined || isCode(error, 'conflict') ? undefined : remainsOf(given);
    const api = kubernetes();
    if (remains === undefined || api === undefined || !this.#isOurs(task, api, remains, given)) {
      update(refused);
      return tasks.drop(task);
    }
    const reason = (error instanceof KmError ? error.refusal : undefined) ?? 'UnexpectedAdmissionError';
    api.events.event(identityOf(remains), 'Warning', reason, message);
    const qosClass = api.get(remains.metadata.uid)?.status?.qosClass;
    tasks.reject(task, remains, { update: refused, status: { phase: 'Failed', reason, message: `Pod ${message}`, ...(qosClass === undefined ? {} : { qosClass }) } });
  }

  /** The API's object of a pod that is refused is bound to this node, and no other task's. */
  #isOurs(task: Task, api: KubernetesSide, { metadata: { uid } }: ValidPod, given: Pod | undefined): boolean {
    const owner = this.#options.tasks.ownerOf(uid);
    if (owner !== undefined && owner !== task.taskId) return false;
    return task.presence === 'present' || given?.spec?.nodeName === api.nodeName || api.get(uid) !== undefined;
  }
}
