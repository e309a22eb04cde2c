import { type Clock, isCode, KmError, messageOf } from '../base/index.ts';
import type { TaskInfo } from '../mesos/index.ts';
import { fieldThatNeedsApi, identityOf, parsePodList, type ValidPod } from '../pod/index.ts';
import type { TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { bindHere } from './bind-here.ts';
import type { JournalEntry } from './journal-entry.ts';
import type { KubernetesSide } from './kubernetes-side.ts';
import type { Order } from './order.ts';
import { checked, derivedUid, faultMessage, readTask, recordOf } from './read-task.ts';
import type { Task } from './task.ts';
import type { Tasks } from './tasks.ts';

export interface LaunchesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly frameworkId: string;
  readonly maxPods: number;
  readonly tasks: Tasks;
  readonly kubernetes: () => KubernetesSide | undefined;
  readonly record: (entry: JournalEntry) => void;
  /** False when the task is known already. */
  readonly accept: (task: TaskInfo) => boolean;
  readonly update: (update: TaskUpdateDraft) => void;
}

/** The intake of tasks: each launch becomes a pod of `Tasks`, or a terminal update that says why not. */
export class Launches {
  readonly #options: LaunchesOptions;

  constructor(options: LaunchesOptions) {
    this.#options = options;
  }

  /** Launches one task. Never throws: what is wrong with the task becomes its terminal update. */
  async launch(info: TaskInfo): Promise<void> {
    const task = this.#accept(info);
    if (task !== undefined) await this.#begin(task, info);
  }

  /** Launches a task that an earlier process of this executor had accepted and not come to; `order`, if it is to end. */
  async relaunch(info: TaskInfo, order: Order | undefined): Promise<void> {
    const taskId = info.task_id.value;
    if (this.#options.tasks.has(taskId)) return;
    const task = this.#options.tasks.add(taskId);
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
      if (this.#options.tasks.has(taskId)) continue;
      const task = this.#options.tasks.add(taskId, 'absent');
      try {
        const pod = await checked(given, async () => derivedUid(this.#options.frameworkId, taskId));
        this.#claim(task, pod);
        this.#options.tasks.run(task, { taskId, pod, launchedAt: this.#options.clock.now(), inApi: false });
      } catch (error) {
        logger.error('static pod cannot run', { pod: taskId, error: messageOf(error) });
        this.#options.tasks.drop(task);
      }
    }
  }

  #accept(info: TaskInfo): Task | undefined {
    const taskId = info.task_id.value;
    if (this.#options.tasks.has(taskId) || !this.#options.accept(info)) {
      this.#options.logger.info('task was launched before, it stays one pod', { task: taskId });
      return undefined;
    }
    return this.#options.tasks.add(taskId);
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
    this.#options.tasks.claim(task, pod);
  }

  async #start(task: Task, pod: ValidPod, info: TaskInfo): Promise<void> {
    const { record: write, update, maxPods, clock, tasks } = this.#options;
    const record = recordOf(info, pod, clock.now());
    task.record = record;
    write({ kind: 'pod', record }); // before the agent hears of it: once it has, only we know the task's pod
    update({ taskId: task.taskId, state: 'TASK_STARTING' });
    if (tasks.pods > maxPods) {
      throw new KmError('unavailable', `Node didn't have enough resource: pods, requested: 1, used: ${tasks.pods - 1}, capacity: ${maxPods}`);
    }
    await this.#bind(task, pod);
    tasks.run(task, { ...record, inApi: task.presence === 'present' });
  }

  /** Finds out what the API knows of the pod and makes it ours there. Throws when it is another node's, or another pod. */
  async #bind(task: Task, pod: ValidPod): Promise<void> {
    const api = this.#options.kubernetes();
    const { uid } = pod.metadata;
    if (api === undefined) return;
    if (pod.spec.nodeName === api.nodeName || api.get(uid) !== undefined) return this.#options.tasks.present(task, pod);
    if (await bindHere(api, identityOf(pod), this.#options.logger)) this.#options.tasks.present(task, pod);
  }

  /** The task ends before its pod has begun. */
  #refuse(task: Task, error: unknown, reason = 'REASON_TASK_INVALID'): void {
    const { taskId } = task;
    const message = faultMessage(error);
    this.#options.logger.warn('task refused', { task: taskId, error: message });
    const invalid = isCode(error, 'invalid');
    this.#options.update(invalid ? { taskId, state: 'TASK_ERROR', reason, message } : { taskId, state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message });
    this.#options.tasks.drop(task);
  }
}
