import { isTerminal, type CallEvent, type ExecutorEnd, type TaskRecord } from '../agent/index.ts';
import { essentialStates } from '../record/index.ts';
import type { Plan } from './plan.ts';

/** What the live executor did. */
export interface LiveRun {
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  /** Every request of the executor, with the agent's answer. */
  readonly calls: readonly CallEvent[];
  /** Undefined when it had to be ended because the replay stopped early. */
  readonly end: ExecutorEnd | undefined;
  /** Why the replay stopped early. */
  readonly stopped: string | undefined;
  /** Names of the executor's containers that were left after it had ended; undefined where nobody could look. */
  readonly containersLeft: readonly string[] | undefined;
}

export interface TaskVerdict {
  readonly taskId: string;
  readonly expected: readonly string[];
  /** As they were reported, all of them. */
  readonly reported: readonly string[];
  readonly agrees: boolean;
}

export interface Verdict {
  readonly agrees: boolean;
  /** One line each. */
  readonly differences: readonly string[];
  readonly tasks: readonly TaskVerdict[];
}

/** Holds what the executor did against what the recording expects. */
export function compareReplay(plan: Plan, live: LiveRun): Verdict {
  const { expect } = plan.header;
  const taskIds = [...new Set([...Object.keys(expect), ...live.tasks.keys()])];
  const tasks = taskIds.map((taskId) => verdictOf(taskId, expect[taskId], live.tasks.get(taskId)));
  const differences = [
    ...(live.stopped === undefined ? [] : [live.stopped]),
    ...tasks.flatMap(({ differences: found }) => found),
    ...refusals(live.calls),
    ...messages(plan, live.calls),
    ...executorsEnd(plan, live),
    ...(live.containersLeft ?? []).map((name) => `container ${name} is left in Docker`),
  ];
  return { agrees: differences.length === 0, differences, tasks: tasks.map(({ verdict }) => verdict) };
}

function verdictOf(taskId: string, expected: readonly string[] | undefined, task: TaskRecord | undefined): { verdict: TaskVerdict; differences: string[] } {
  const reported = task?.states ?? [];
  const differences: string[] = [];
  if (expected === undefined) {
    differences.push(`${taskId}: ${reported.join(' ')} reported, but the recording knows no such task`);
  } else if (essentialStates(reported).join() !== expected.join()) {
    differences.push(`${taskId}: expected ${expected.join(' ')}, got ${reported.length === 0 ? 'nothing' : essentialStates(reported).join(' ')}${whyEnded(task)}`);
  }
  const end = reported.findIndex(isTerminal);
  const after = end < 0 ? [] : reported.slice(end + 1);
  for (const state of after) {
    differences.push(isTerminal(state) ? `${taskId}: a second end, ${state}, after ${reported[end]}` : `${taskId}: ${state} after ${reported[end]}`);
  }
  return { verdict: { taskId, expected: expected ?? [], reported, agrees: differences.length === 0 }, differences };
}

/** Reason and message of the newest update, where it says why a task did not go its way. */
function whyEnded(task: TaskRecord | undefined): string {
  const newest = task?.updates.at(-1);
  if (newest === undefined) return '';
  const { reason, message } = newest.status;
  const parts = [newest.from === 'agent' ? 'by the agent' : '', reason === undefined ? '' : String(reason), message ?? ''];
  const why = parts.filter((part) => part !== '').join(', ');
  return why === '' ? '' : ` (${why})`;
}

/** An executor of ours sends nothing that an agent refuses, save in the first moments of the agent's life. */
function refusals(calls: readonly CallEvent[]): string[] {
  return calls
    .filter(({ status }) => status >= 400 && status !== 404 && status !== 503)
    .map(({ call, status, body }) => {
      const what = call === undefined ? 'a request' : call.type === 'UPDATE' ? `UPDATE ${call.update.status.task_id.value} ${String(call.update.status.state)}` : call.type;
      return `the agent refused ${what} with ${status}: ${body}`;
    });
}

function messages(plan: Plan, calls: readonly CallEvent[]): string[] {
  const sent = calls.filter(({ call, status }) => call?.type === 'MESSAGE' && status === 202).length;
  if (sent >= plan.messagesAnswered) return [];
  return [`expected ${plan.messagesAnswered} answers to the scheduler's messages, got ${sent}`];
}

function executorsEnd(plan: Plan, { end, stopped }: LiveRun): string[] {
  if (end === undefined || stopped !== undefined) return [];
  if (end.destroyedBy === 'shutdown-grace') return [`the executor did not exit within its grace of ${plan.shutdownGraceMs} ms`];
  if (end.destroyedBy !== undefined) return [`the agent killed the executor: ${end.destroyedBy}`];
  if (end.code === 0) return [];
  return [end.signal === null ? `the executor exited with ${String(end.code)} where 0 was expected` : `the executor was ended by ${end.signal}`];
}
