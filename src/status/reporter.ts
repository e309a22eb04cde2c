import { Backoff, type Clock, isCode, messageOf, sleep } from '../base/index.ts';
import { identityOf, type PodIdentity, type PodStatus } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { PodReport, TaskProgress, TaskUpdateDraft } from './report.ts';
import { taskUpdates } from './task-updates.ts';

/** What became of a status patch: `gone` and `other-uid` are positive answers of the API about the pod. */
export type PatchResult = 'done' | 'gone' | 'other-uid';

/** The Kubernetes side of the reporter. Both calls throw code `unavailable` when the API is away. */
export interface KubernetesStatusSink {
  patchStatus(pod: PodIdentity, status: PodStatus, signal: AbortSignal): Promise<PatchResult>;
  /** Deletes the object, grace 0, UID precondition; done too when it is gone already. */
  deletePod(pod: PodIdentity, signal: AbortSignal): Promise<void>;
}

export interface StatusReporterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Writes into the journal how far the task is; after its updates. */
  readonly record: (report: PodReport, progress: TaskProgress) => void;
  /** Hands an update to the ledger; in order, never dropped. */
  readonly mesos: (update: TaskUpdateDraft) => void;
  /** Absent where there is no API, or not yet. */
  readonly kubernetes: () => KubernetesStatusSink | undefined;
  /** Whether the framework has the TASK_KILLING_STATE capability. */
  readonly killingState: () => boolean;
  /** The API says that this pod does not exist, or is another one (or another node's) by now. */
  readonly onPodGone: (pod: PodIdentity, how: Exclude<PatchResult, 'done'>) => void;
  /** The API has taken a status, so long after it was reported; milliseconds. */
  readonly onSent?: (lagMs: number) => void;
  /** The task has ended, its pod is terminated, and the API knows all there is to know. */
  readonly onSettled: (report: PodReport) => void;
}

interface Task {
  progress: TaskProgress;
  /** Newest report; the Kubernetes sink works on it until `sent` is the same. */
  latest: PodReport | undefined;
  sent: PodReport | undefined;
  /** When the API began to lag behind, milliseconds since the epoch. */
  since: number | undefined;
  /** The API has no such pod: nothing more to say there. */
  gone: boolean;
  sending: Promise<void> | undefined;
}

/**
 * One ordered transition per pod to two sinks: the Mesos ledger (which journals it) and how far that is, then the Kubernetes API. Mesos gets every
 * transition; Kubernetes the newest status, one request at a time per pod, again and again while the API is away.
 *
 * Between awaits: `progress` is what the journal holds; at most one request per pod is under way.
 */
export class StatusReporter {
  readonly #options: StatusReporterOptions;
  readonly #tasks = new Map<string, Task>();
  readonly #stop = new AbortController();

  constructor(options: StatusReporterOptions) {
    this.#options = options;
  }

  /** A task that has been told TASK_STARTING. */
  begin(taskId: string): void {
    this.#tasks.set(taskId, { progress: { state: 'starting' }, latest: undefined, sent: undefined, since: undefined, gone: false, sending: undefined });
  }

  /** Takes up a task where an earlier process of this executor left it. */
  adopt(taskId: string, progress: TaskProgress): void {
    this.#tasks.set(taskId, { progress, latest: undefined, sent: undefined, since: undefined, gone: false, sending: undefined });
  }

  report(report: PodReport): void {
    const task = this.#tasks.get(report.taskId);
    if (task === undefined || (task.latest !== undefined && sameForUsers(task.latest, report))) return;
    task.latest = report;
    task.since ??= this.#options.clock.now();
    const { updates, progress } = taskUpdates(task.progress, report, this.#options.killingState());
    task.progress = progress;
    // The ledger writes each update down itself. It comes first: a crash in between makes an update twice, which the ledger refuses where it
    // matters (after a terminal one); the other way round it would never be made.
    for (const update of updates) this.#options.mesos(update);
    if (updates.length > 0 || report.stage !== 'syncing') this.#options.record(report, progress);
    task.sending ??= this.#send(task);
  }

  /** How far the reports of a task have come; `undefined` for a task that is not known. */
  progressOf(taskId: string): TaskProgress | undefined {
    return this.#tasks.get(taskId)?.progress;
  }

  /** The API may hold something else than what we told it: tells it again, where it does. */
  recheck(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task?.latest === undefined || task.sending !== undefined) return;
    task.sent = undefined;
    task.sending = this.#send(task);
  }

  /** The API is known to have no such pod (again): nothing is sent there any more. */
  markGone(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task !== undefined) task.gone = true;
  }

  forget(taskId: string): void {
    this.#tasks.delete(taskId);
  }

  /** Resolves when the API has every status, or when `signal` aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([Promise.all(this.#sending()), over]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sending());
  }

  #sending(): Promise<void>[] {
    return [...this.#tasks.values()].map(({ sending }) => sending).filter((sending) => sending !== undefined);
  }

  async #send(task: Task): Promise<void> {
    await Promise.resolve(); // reports made in the same turn become one request
    const backoff = new Backoff({ initialMs: 200, maxMs: 10_000 });
    while (task.latest !== undefined && task.sent !== task.latest && !this.#stop.signal.aborted) {
      const report = task.latest;
      try {
        const told = await this.#sendOne(task, report);
        task.sent = report;
        this.#caughtUp(task, told);
        backoff.reset();
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        const level = isCode(error, 'unavailable', 'timeout') ? 'info' : 'warn';
        this.#options.logger[level]('status not sent', { pod: report.pod.metadata.name, error: messageOf(error) });
        await sleep(this.#options.clock, backoff.next(error), this.#stop.signal).catch(() => undefined);
      }
    }
    task.sending = undefined;
    if (task.sent !== undefined && task.sent === task.latest && task.latest.stage === 'terminated') this.#options.onSettled(task.latest);
  }

  #caughtUp(task: Task, told: boolean): void {
    const now = this.#options.clock.now();
    if (told) this.#options.onSent?.(now - (task.since ?? now));
    task.since = task.latest === task.sent ? undefined : now;
  }

  /** False when there is nobody to be told. */
  async #sendOne(task: Task, report: PodReport): Promise<boolean> {
    const api = this.#options.kubernetes();
    if (api === undefined || task.gone) return false;
    const pod = identityOf(report.pod);
    const signal = this.#stop.signal;
    const result = await api.patchStatus(pod, report.status, signal);
    if (result !== 'done') {
      task.gone = true;
      this.#options.onPodGone(pod, result);
    } else if (report.stage === 'terminated' && report.deleted) {
      await api.deletePod(pod, signal);
    }
    return true;
  }
}

function sameForUsers(a: PodReport, b: PodReport): boolean {
  return a.stage === b.stage && a.cause === b.cause && a.deleted === b.deleted && JSON.stringify([a.status, a.check]) === JSON.stringify([b.status, b.check]);
}
