import { uuidText, type Call, type Event, type TaskInfo } from '../../mesos/index.ts';
import { isTerminal, type CallEvent, type ConnectionEvent, type TaskRecord, type UpdateRecord } from '../agent/index.ts';
import type { Description } from './timeline.ts';

/** What an agent's event says, in one line. `podOf` names the pod of a task. */
export function describeEvent(event: Event, tasks: ReadonlyMap<string, TaskRecord>, podOf: (taskId: string) => string | undefined): Description {
  const plain = (text: string): Description => ({ text, tone: 'plain' });
  const named = (task: TaskInfo): string => {
    const pod = podOf(task.task_id.value);
    return pod === undefined ? task.task_id.value : `${task.task_id.value} (${pod})`;
  };
  switch (event.type) {
    case 'SUBSCRIBED':
      return plain(`SUBSCRIBED ${event.subscribed.executor_info.executor_id.value}`);
    case 'LAUNCH':
      return plain(`LAUNCH ${named(event.launch.task)}`);
    case 'LAUNCH_GROUP':
      return plain(`LAUNCH_GROUP ${(event.launch_group.task_group.tasks ?? []).map(named).join(', ')}`);
    case 'KILL': {
      const grace = event.kill.kill_policy?.grace_period?.nanoseconds;
      return plain(`KILL ${event.kill.task_id.value}${grace === undefined ? '' : `, grace ${Number(grace) / 1e9} s`}`);
    }
    case 'ACKNOWLEDGED': {
      const taskId = event.acknowledged.task_id.value;
      const uuid = uuidText(event.acknowledged.uuid);
      const update = tasks.get(taskId)?.updates.find((other) => other.uuid === uuid);
      return { text: `ack ${taskId} ${update?.state ?? uuid}`, tone: 'quiet' };
    }
    case 'MESSAGE':
      return plain(`MESSAGE ${quoted(event.message.data)}`);
    case 'ERROR':
      return { text: `ERROR ${event.error.message}`, tone: 'bad' };
    case 'SHUTDOWN':
      return plain('SHUTDOWN');
    case 'HEARTBEAT':
      return { text: 'HEARTBEAT', tone: 'quiet' };
    case 'UNKNOWN':
      return plain(`an event of unknown type ${String(event.value)}`);
  }
}

/** What the executor asked of the agent. What became of an update that was accepted is told by `describeUpdate`. */
export function describeCall({ call, status, body }: CallEvent): Description | undefined {
  if (call?.type === 'UPDATE' && status === 202) return undefined;
  if (call?.type === 'HEARTBEAT' && status === 202) return { text: 'HEARTBEAT', tone: 'quiet' };
  const refusal = status < 300 ? '' : ` → ${status} ${body}`;
  // Refusals in the first moments of an agent are part of its life.
  const tone = status < 300 || status === 503 || status === 404 ? 'plain' : 'bad';
  return { text: `${call === undefined ? 'no valid call' : callText(call)}${refusal}`, tone };
}

function callText(call: Call): string {
  switch (call.type) {
    case 'SUBSCRIBE': {
      const { unacknowledged_tasks: tasks = [], unacknowledged_updates: updates = [] } = call.subscribe;
      const parts = [tasks.length === 0 ? '' : `${tasks.length} unacknowledged tasks`, updates.length === 0 ? '' : `${updates.length} unacknowledged updates`];
      const brings = parts.filter((part) => part !== '').join(', ');
      return brings === '' ? 'SUBSCRIBE' : `SUBSCRIBE with ${brings}`;
    }
    case 'UPDATE':
      return `${call.update.status.task_id.value} ${String(call.update.status.state)}`;
    case 'MESSAGE':
      return `MESSAGE ${quoted(call.message.data)}`;
    case 'HEARTBEAT':
      return 'HEARTBEAT';
    case 'UNKNOWN':
      return `a call of unknown type ${String(call.value)}`;
  }
}

/** An update with what a person wants to know of it. */
export function describeUpdate({ status, state, from }: UpdateRecord): Description {
  const healthy = status.healthy === undefined ? '' : status.healthy ? ' healthy' : ' not healthy';
  const reason = status.reason === undefined ? '' : ` ${String(status.reason).replace(/^REASON_/, '')}`;
  const message = status.message === undefined || status.message === '' ? '' : `: ${shortened(status.message)}`;
  const text = `${status.task_id.value} ${state}${healthy}${reason}${message}`;
  return from === 'executor' ? { text, tone: 'plain' } : { text: `agent reports ${text}`, tone: isTerminal(state) ? 'bad' : 'plain' };
}

export function describeConnection({ what }: ConnectionEvent): { lane: 'agent' | 'executor'; description: Description } | undefined {
  switch (what) {
    case 'subscribed':
    case 'recovered':
      return undefined;
    case 'replaced':
      return { lane: 'agent', description: { text: 'the older subscription ends', tone: 'plain' } };
    case 'lost':
      return { lane: 'executor', description: { text: 'disconnected', tone: 'quiet' } };
    case 'down':
      return { lane: 'agent', description: { text: 'agent killed, connections refused', tone: 'plain' } };
    case 'recovering':
      return { lane: 'agent', description: { text: 'agent is back', tone: 'plain' } };
  }
}

function quoted(bytes: Uint8Array): string {
  return JSON.stringify(shortened(Buffer.from(bytes).toString('utf8')));
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 159)}…` : line;
}
