import { isTerminalState, uuidText, type TaskStatus } from '../../mesos/index.ts';
import type { TaskRecord, UpdateRecord } from './types.ts';

/** Whether a state's name is one after which nothing more can be said of a task. */
export function isTerminal(state: string): boolean {
  return isTerminalState(state as TaskStatus['state']);
}

/** A state as a person reads it, also one that has no name here. */
export function stateName(status: TaskStatus): string {
  return typeof status.state === 'string' ? status.state : `state ${status.state}`;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Task implements TaskRecord {
  readonly taskId: string;
  readonly updates: Writable<UpdateRecord>[] = [];
  launched: boolean;

  constructor(taskId: string, launched: boolean) {
    this.taskId = taskId;
    this.launched = launched;
  }

  get states(): readonly string[] {
    return this.updates.map((update) => update.state);
  }

  get latest(): string | undefined {
    return this.updates.at(-1)?.state;
  }

  get terminal(): boolean {
    return this.updates.some((update) => isTerminal(update.state));
  }
}

/** The agent's book of tasks and of what was reported about them. */
export class TaskLedger {
  readonly #tasks = new Map<string, Task>();

  get tasks(): ReadonlyMap<string, TaskRecord> {
    return this.#tasks;
  }

  launch(taskId: string): void {
    const known = this.#tasks.get(taskId);
    if (known === undefined) this.#tasks.set(taskId, new Task(taskId, true));
    else known.launched = true;
  }

  /** Writes an update down, once per uuid. `again` tells that it was here before; `known` that the agent launched its task. */
  record(status: TaskStatus, from: UpdateRecord['from'], at: number): { update: UpdateRecord; again: boolean; known: boolean } {
    const taskId = status.task_id.value;
    const task = this.#tasks.get(taskId) ?? new Task(taskId, false);
    this.#tasks.set(taskId, task);
    const uuid = status.uuid === undefined ? '' : uuidText(status.uuid);
    const older = from === 'executor' ? task.updates.find((update) => update.uuid === uuid) : undefined;
    if (older !== undefined) {
      older.deliveries += 1;
      return { update: older, again: true, known: task.launched };
    }
    const update = { status, state: stateName(status), at, uuid, acknowledged: false, deliveries: 1, from };
    task.updates.push(update);
    return { update, again: false, known: task.launched };
  }

  acknowledge(taskId: string, uuid: string): void {
    const update = this.#tasks.get(taskId)?.updates.find((candidate) => candidate.uuid === uuid);
    if (update !== undefined) update.acknowledged = true;
  }

  /** Launched tasks that have not ended. */
  live(): TaskRecord[] {
    return [...this.#tasks.values()].filter((task) => task.launched && !task.terminal);
  }

  /** Updates of the executor without acknowledgement, for tasks that the agent launched. */
  unacknowledged(): UpdateRecord[] {
    return [...this.#tasks.values()]
      .filter((task) => task.launched)
      .flatMap((task) => task.updates.filter((update) => update.from === 'executor' && !update.acknowledged));
  }
}
