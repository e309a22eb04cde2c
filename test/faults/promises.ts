/** After a run: what was promised, held against what there is. */
import type { UpdateRecord } from '../../src/harness/agent/index.ts';
import { isTerminalState, type TaskStatus } from '../../src/mesos/index.ts';
import type { Entry } from './book.ts';
import { kindOf } from './book.ts';
import type { Conductor } from './carry-out.ts';
import type { Laboratory } from './laboratory.ts';

const isTerminal = (state: string): boolean => isTerminalState(state as TaskStatus['state']);
/** What an executor may say of a task, in this order; RUNNING more often where its readiness changes. */
const ORDER = /^(TASK_STARTING )?(TASK_RUNNING )*(TASK_KILLING )?(TASK_\w+ )?$/;

/** Every task: one terminal update, the last one, acknowledged; states in their order; the end that belongs to its kind. */
export function faultsOfTasks({ agent }: Laboratory, book: readonly Entry[]): string[] {
  // A worker that died has taken some of a group and never heard of the others: then none of it is launched.
  const isLost = (group: readonly Entry[]): boolean => group.some(({ taskId }) => agent.tasks.get(taskId)?.updates.at(-1)?.from === 'agent');
  return book.flatMap((entry) => {
    const { taskId, name, kind } = entry;
    const record = agent.tasks.get(taskId);
    const updates = record?.updates ?? [];
    const states = updates.map(({ state }) => state);
    const says = (fault: string): string => `task of ${name} (${kind}): ${fault}: ${updates.map(({ state, from }) => `${state}${from === 'agent' ? '(agent)' : ''}`).join(' ')}`;
    const faults: string[] = [];
    const ends = states.filter(isTerminal);
    const twice = updates.findIndex((one, i) => sameWords(one, updates[i - 1]));
    if (twice > 0) faults.push(says(`update ${twice + 1} says the same as the one before`));
    if (ends.length !== 1) faults.push(says(`${ends.length} terminal updates`));
    if (ends.length > 0 && !isTerminal(states.at(-1) ?? '')) faults.push(says('something is said after the end'));
    if (!ORDER.test(states.map((state) => `${state} `).join(''))) faults.push(says('states out of order'));
    // Of a task that the agent has ended because its executor is dead nobody is left to whom it could be acknowledged.
    if (updates.at(-1)?.from !== 'agent' && updates.some(({ acknowledged }) => !acknowledged)) faults.push(says('an update is not acknowledged'));
    const end = updates.find(({ state }) => isTerminal(state));
    if (end !== undefined && !fits(entry, end.state, end.from) && !(end.state === 'TASK_ERROR' && isLost(entry.group))) faults.push(says('this is not how it ends'));
    return faults;
  });
}

/** Nothing that a framework could read is another than before. */
function sameWords(one: UpdateRecord, before: UpdateRecord | undefined): boolean {
  const words = ({ status: { state, healthy, reason, check_status } }: UpdateRecord): string => JSON.stringify([state, healthy, reason === 'REASON_TASK_CHECK_STATUS_UPDATED', check_status]);
  return before !== undefined && one.from === 'executor' && before.from === 'executor' && words(one) === words(before);
}

function fits(entry: Entry, state: string, from: 'executor' | 'agent'): boolean {
  // A LAUNCH that a dead worker never read, or the end of the whole executor.
  if (from === 'agent') return true;
  const { ends } = kindOf(entry);
  if (entry.told) return state === 'TASK_KILLED' || state === 'TASK_FINISHED' || state === 'TASK_FAILED' || state === 'TASK_ERROR';
  if (entry.refusable && state === 'TASK_FAILED') return true;
  if (entry.hit && ends !== 'TASK_ERROR') return state === 'TASK_FINISHED' || state === 'TASK_FAILED';
  return state === ends;
}

/** Nobody who did nothing was restarted; who found the disk full did something. */
export function faultsOfContainers({ engine }: Laboratory, book: readonly Entry[]): string[] {
  return book.filter((entry) => !entry.hit && !(entry.refusable && kindOf(entry).writes === true)).flatMap((entry) => kindOf(entry).innocent.flatMap((container) => {
    const starts = engine.starts(entry.uid, container);
    if (kindOf(entry).refused === true && starts > 0) return [`pod ${entry.name} (${entry.kind}): container ${container} was started though there is no room for it`];
    return starts > 1 ? [`pod ${entry.name} (${entry.kind}): innocent container ${container} was started ${starts} times`] : [];
  }));
}

/** Of a group that is refused nothing has run. */
export function faultsOfGroups({ agent, engine }: Laboratory, book: readonly Entry[]): string[] {
  const isRefused = ({ taskId }: Entry): boolean => agent.tasks.get(taskId)?.updates.some(({ state }) => state === 'TASK_ERROR') === true;
  return book.filter(({ group }) => group.some(isRefused)).flatMap((entry) => {
    const ran = kindOf(entry).innocent.filter((container) => engine.starts(entry.uid, container) > 0);
    return ran.length > 0 ? [`pod ${entry.name} (${entry.kind}): ${ran.join(', ')} ran though its group is refused`] : [];
  });
}

/** Where nothing but the worker dies, a pod that was ready stays so until it is to end. */
export function faultsOfReadiness({ agent }: Laboratory, book: readonly Entry[]): string[] {
  return book.filter(({ kind }) => kind === 'whole' || kind === 'docker').flatMap(({ taskId, name }) => {
    const said = (agent.tasks.get(taskId)?.updates ?? []).filter(({ state }) => state === 'TASK_RUNNING').map(({ status }) => status.healthy === true);
    return said.lastIndexOf(false) > said.indexOf(true) && said.includes(true) ? [`pod ${name} was ready, and then not: ${said.join(' ')}`] : [];
  });
}

/** Of the API's pods none waits for an end that nobody brings. */
export function faultsOfApi(conductor: Conductor): string[] {
  return conductor.book.flatMap((entry) => {
    const object = conductor.object(entry);
    return object?.metadata.deletionTimestamp === undefined ? [] : [`pod ${entry.name} is stuck terminating since ${object.metadata.deletionTimestamp}`];
  });
}

/** Its worker ended only where we ended it. */
export function faultsOfLog(log: string): string[] {
  const ends = [...log.matchAll(/worker ended with (\d+)/g)].map(([, code]) => code).filter((code) => code !== '137');
  return ends.map((code) => `the worker ended by itself with ${code ?? ''}`);
}
