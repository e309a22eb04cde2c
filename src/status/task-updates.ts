import { outcomeOf, type PodStatus } from '../pod/index.ts';
import type { KillCause, PodReport, TaskProgress, TaskUpdateDraft } from './report.ts';

/** The updates that a report calls for, in order, and how far the task is after them. */
export interface Transition {
  readonly updates: readonly TaskUpdateDraft[];
  readonly progress: TaskProgress;
}

/**
 * Pod lifecycle to Mesos task states (docs/lifecycle.md): one monotonic gate per task. Nothing comes after a terminal state, and
 * no TASK_RUNNING after the kill has begun. A task whose containers have run reports TASK_RUNNING before its end, however short
 * they ran. `killing` tells whether the framework knows TASK_KILLING.
 */
export function taskUpdates(progress: TaskProgress, report: PodReport, killing: boolean): Transition {
  const updates: TaskUpdateDraft[] = [];
  let { state, healthy, check } = progress;
  if (state === 'ended') return { updates, progress };

  const ending = report.stage !== 'syncing';
  const end = terminal(report);
  const ready = isReady(report.status);
  if (state === 'starting') {
    if (report.status.phase === 'Running' || (end !== undefined && hasRun(report.status))) {
      updates.push(running(report, ready));
      state = 'running';
      ({ check } = report);
      healthy = ready;
    }
  } else if (state === 'running' && !ending && end === undefined) {
    if (ready !== healthy) updates.push({ ...running(report, ready), reason: 'REASON_TASK_HEALTH_CHECK_STATUS_UPDATED' });
    if (JSON.stringify(report.check) !== JSON.stringify(check)) updates.push({ ...running(report, ready), reason: 'REASON_TASK_CHECK_STATUS_UPDATED' });
    ({ check } = report);
    healthy = ready;
  }
  if (ending && end === undefined && state !== 'killing') {
    if (killing) updates.push(draft(report, { state: 'TASK_KILLING', message: report.cause?.message ?? 'killing' }));
    state = 'killing';
  }
  if (end !== undefined) {
    updates.push(end);
    state = 'ended';
  }
  return { updates, progress: { state, ...(healthy === undefined ? {} : { healthy }), ...(check === undefined ? {} : { check }) } };
}

const STAGES: readonly TaskProgress['state'][] = ['starting', 'running', 'killing', 'ended'];

/** What was said of a task, as far as it tells how far that is. */
export interface SaidOfTask extends Pick<TaskProgress, 'healthy' | 'check'> {
  readonly state: string;
}

/**
 * How far a task is of which the agent was told this, oldest first, and has not acknowledged it: a process may die between saying something and writing
 * down that it was said. An agent acknowledges in order, so that none of it is older than what was.
 */
export function progressAfter(progress: TaskProgress, said: readonly SaidOfTask[]): TaskProgress {
  const reached = Math.max(STAGES.indexOf(progress.state), ...said.map(({ state }) => stageOf(state)));
  const running = said.findLast(({ state }) => state === 'TASK_RUNNING');
  const { healthy, check } = running ?? progress;
  return { state: STAGES[reached] ?? progress.state, ...(healthy === undefined ? {} : { healthy }), ...(check === undefined ? {} : { check }) };
}

function stageOf(state: string): number {
  const begun = ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'].indexOf(state);
  return begun < 0 ? STAGES.length - 1 : begun;
}

/** The terminal update, once nothing of the pod runs any more: what it leaves on the disk is nothing to the framework. */
function terminal(report: PodReport): TaskUpdateDraft | undefined {
  const { status, stage, cause } = report;
  if (stage === 'terminating') return undefined;
  if (stage !== 'syncing' && cause !== undefined && !report.succeededBeforeKill) return killed(report, cause);
  if (status.phase !== 'Succeeded' && status.phase !== 'Failed' && stage === 'syncing') return undefined;
  const outcome = report.succeededBeforeKill ? { state: 'TASK_FINISHED' as const } : (outcomeOf(status, report.pod.spec) ?? { state: 'TASK_KILLED' as const, message: 'pod removed' });
  return draft(report, outcome);
}

function killed(report: PodReport, cause: KillCause): TaskUpdateDraft {
  const { message } = cause;
  switch (cause.kind) {
    case 'mesos-kill':
    case 'mesos-shutdown':
    case 'api-deletion':
      return draft(report, { state: 'TASK_KILLED', message });
    case 'deadline':
      return draft(report, { state: 'TASK_FAILED', reason: 'REASON_COMMAND_EXECUTOR_FAILED', message });
    case 'launch-timeout':
      return draft(report, { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message });
    case 'max-completion-time':
      return draft(report, { state: 'TASK_FAILED', reason: 'REASON_MAX_COMPLETION_TIME_REACHED', message });
    case 'evicted':
      return draft(report, { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LIMITATION_DISK', message });
    case 'reboot':
      return draft(report, { state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED', message });
    case 'health-check':
      return { ...draft(report, { state: 'TASK_KILLED', message }), healthy: false }; // as Mesos' own executors: src/docker/executor.cpp
  }
}

function running(report: PodReport, healthy: boolean): TaskUpdateDraft {
  return { ...draft(report, { state: 'TASK_RUNNING' }), healthy, ...(report.check === undefined ? {} : { check: report.check }) };
}

function draft(report: PodReport, what: Pick<TaskUpdateDraft, 'state' | 'reason' | 'message'>): TaskUpdateDraft {
  const ips = report.status.podIPs?.map(({ ip }) => ip).filter((ip) => ip !== undefined) ?? [];
  return { taskId: report.taskId, ...what, ips, data: JSON.stringify(report.status) };
}

function isReady(status: PodStatus): boolean {
  return status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

/** Whether a container of the spec has ever run; one that could not be started has no start time. */
function hasRun(status: PodStatus): boolean {
  return (status.containerStatuses ?? []).some(({ state, lastState }) =>
    [state, lastState].some((s) => s?.running !== undefined || (s?.terminated?.startedAt ?? null) !== null));
}
