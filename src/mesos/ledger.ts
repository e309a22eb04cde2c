import { KmError, type Clock } from '../base/index.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import type { CallSubscribe, TaskInfo, TaskStatus } from './messages.ts';
import { randomUuid, uuidText } from './uuid.ts';

/**
 * One line of the journal, plain JSON. `protobuf` is the message in base64: exact, fields that we do not know included.
 * A task without it is known but no longer told to the agent; what has become of it stands beside it in compacted entries.
 */
export type LedgerEntry =
  | { readonly kind: 'task'; readonly taskId: string; readonly protobuf?: string; readonly terminal?: boolean; readonly forgotten?: boolean }
  | { readonly kind: 'update'; readonly taskId: string; readonly state: string; readonly uuid: string; readonly protobuf: string }
  | { readonly kind: 'acknowledged'; readonly taskId: string; readonly uuid: string }
  | { readonly kind: 'forget'; readonly taskId: string };

/** What the caller says of a task; identity, time, source and uuid are added by the ledger. */
export type TaskReport = Omit<TaskStatus, 'uuid' | 'timestamp' | 'source' | 'executor_id'>;

/** An update as it goes to the agent, body of a call UPDATE. */
export interface TaskUpdate {
  readonly status: TaskStatus & { readonly uuid: Uint8Array };
}

export interface LedgerOptions {
  readonly executorId: string;
  /** Called with every change before it takes effect; it is written down when this returns. What it throws goes to the caller. */
  readonly record: (entry: LedgerEntry) => void;
  readonly clock: Clock;
}

/** After one of these nothing more can be said of a task (Mesos v1 mesos.proto, TaskState). */
const TERMINAL: ReadonlySet<unknown> = new Set(['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED', 'TASK_ERROR', 'TASK_LOST', 'TASK_DROPPED', 'TASK_GONE', 'TASK_GONE_BY_OPERATOR']);

export function isTerminalState(state: TaskStatus['state']): boolean {
  return TERMINAL.has(state);
}

interface KnownTask {
  /** Until its first update is acknowledged: what SUBSCRIBE tells the agent. */
  info: TaskInfo | undefined;
  /** How many of its updates are not acknowledged. */
  pending: number;
  terminal: boolean;
  forgotten: boolean;
}

/**
 * Tasks and updates that the agent has not acknowledged. Whatever is said here is written down first, so that a process
 * that is started anew knows the same.
 *
 * Invariants: every pending update belongs to a known task; a task gets no update after its terminal one; a task is dropped
 * once it is forgotten and its terminal update acknowledged. Nothing here awaits.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #tasks = new Map<string, KnownTask>();
  /** By uuid as text, in the order in which they were made. */
  readonly #updates = new Map<string, TaskUpdate>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** The ledger that these entries add up to. Throws code `invalid` when one cannot be read. */
  static restore(entries: Iterable<LedgerEntry>, options: LedgerOptions): Ledger {
    const ledger = new Ledger(options);
    for (const entry of entries) ledger.#apply(entry);
    return ledger;
  }

  /** False when the task is known already: then nothing is written. */
  addTask(task: TaskInfo): boolean {
    const taskId = task.task_id.value;
    if (this.#tasks.has(taskId)) return false;
    this.#options.record({ kind: 'task', taskId, protobuf: base64(encodeMessage('TaskInfo', task)) });
    this.#addTask(taskId, task);
    return true;
  }

  /**
   * The complete update to send, with uuid and time, recorded. Undefined when it is refused: the task is not known, or its
   * terminal update has been made.
   */
  update(report: TaskReport): TaskUpdate | undefined {
    const taskId = report.task_id.value;
    const task = this.#tasks.get(taskId);
    if (task === undefined || task.terminal) return undefined;
    const status: TaskUpdate['status'] = {
      ...report,
      executor_id: { value: this.#options.executorId },
      source: 'SOURCE_EXECUTOR',
      timestamp: this.#options.clock.now() / 1000,
      uuid: randomUuid(),
    };
    const uuid = uuidText(status.uuid);
    this.#options.record({ kind: 'update', taskId, state: String(status.state), uuid, protobuf: base64(encodeMessage('TaskStatus', status)) });
    const update = { status };
    this.#addUpdate(task, uuid, update);
    return update;
  }

  /** The agent has this update. False when nobody waits for it (it was sent twice, or the task is long gone). */
  acknowledge(taskId: string, uuid: Uint8Array): boolean {
    const text = uuidText(uuid);
    if (this.#updates.get(text)?.status.task_id.value !== taskId) return false;
    this.#options.record({ kind: 'acknowledged', taskId, uuid: text });
    this.#acknowledge(taskId, text);
    return true;
  }

  /** The caller is done with the task: it is dropped as soon as its terminal update is acknowledged. */
  forget(taskId: string): void {
    const task = this.#tasks.get(taskId);
    if (task === undefined || task.forgotten) return;
    this.#options.record({ kind: 'forget', taskId });
    task.forgotten = true;
    this.#dropIfOver(taskId, task);
  }

  has(taskId: string): boolean {
    return this.#tasks.has(taskId);
  }

  /** Whether the task's terminal update has been made (acknowledged or not). */
  isTerminal(taskId: string): boolean {
    return this.#tasks.get(taskId)?.terminal ?? false;
  }

  /** Tasks whose terminal update has been made and that are not forgotten. */
  over(): string[] {
    return [...this.#tasks].flatMap(([taskId, { terminal, forgotten }]) => (terminal && !forgotten ? [taskId] : []));
  }

  /** Whether any update of the task has been made (acknowledged or not). */
  hasUpdates(taskId: string): boolean {
    const task = this.#tasks.get(taskId);
    return task !== undefined && (task.info === undefined || task.pending > 0);
  }

  /** The update of that uuid, while it is not acknowledged. */
  pending(uuid: Uint8Array): TaskUpdate | undefined {
    return this.#updates.get(uuidText(uuid));
  }

  /** How many updates wait for their acknowledgement. */
  get pendingUpdates(): number {
    return this.#updates.size;
  }

  /** What SUBSCRIBE tells the agent, updates in the order in which they were made. */
  unacknowledged(): { readonly tasks: readonly TaskInfo[]; readonly updates: readonly TaskUpdate[] } {
    const tasks = [...this.#tasks.values()].map(({ info }) => info).filter((info) => info !== undefined);
    return { tasks, updates: [...this.#updates.values()] };
  }

  /** The same as the body of a SUBSCRIBE. */
  subscribe(): CallSubscribe {
    const { tasks, updates } = this.unacknowledged();
    return { unacknowledged_tasks: tasks, unacknowledged_updates: updates };
  }

  /** The shortest entries that restore what there is, for the journal's compaction. */
  entries(): LedgerEntry[] {
    const tasks = [...this.#tasks].map(([taskId, { info, terminal, forgotten }]): LedgerEntry => ({
      kind: 'task',
      taskId,
      ...(info === undefined ? {} : { protobuf: base64(encodeMessage('TaskInfo', info)) }),
      ...(terminal ? { terminal } : {}),
      ...(forgotten ? { forgotten } : {}),
    }));
    const updates = [...this.#updates].map(([uuid, { status }]): LedgerEntry => ({
      kind: 'update',
      taskId: status.task_id.value,
      state: String(status.state),
      uuid,
      protobuf: base64(encodeMessage('TaskStatus', status)),
    }));
    return [...tasks, ...updates];
  }

  #apply(entry: LedgerEntry): void {
    switch (entry.kind) {
      case 'task':
        this.#addTask(entry.taskId, entry.protobuf === undefined ? undefined : decodeMessage('TaskInfo', Buffer.from(entry.protobuf, 'base64')), entry);
        break;
      case 'update': {
        const status = decodeMessage('TaskStatus', Buffer.from(entry.protobuf, 'base64'));
        const task = this.#tasks.get(entry.taskId);
        if (status.uuid === undefined) throw new KmError('invalid', `ledger: an update of ${entry.taskId} without uuid`);
        if (task !== undefined) this.#addUpdate(task, entry.uuid, { status: { ...status, uuid: status.uuid } });
        break;
      }
      case 'acknowledged':
        this.#acknowledge(entry.taskId, entry.uuid);
        break;
      case 'forget': {
        const task = this.#tasks.get(entry.taskId);
        if (task === undefined) break;
        task.forgotten = true;
        this.#dropIfOver(entry.taskId, task);
      }
    }
  }

  #addTask(taskId: string, info: TaskInfo | undefined, { terminal = false, forgotten = false }: { terminal?: boolean; forgotten?: boolean } = {}): void {
    if (this.#tasks.has(taskId)) return;
    this.#tasks.set(taskId, { info, pending: 0, terminal, forgotten });
  }

  #addUpdate(task: KnownTask, uuid: string, update: TaskUpdate): void {
    if (this.#updates.has(uuid)) return;
    this.#updates.set(uuid, update);
    task.pending += 1;
    if (isTerminalState(update.status.state)) task.terminal = true;
  }

  #acknowledge(taskId: string, uuid: string): void {
    const task = this.#tasks.get(taskId);
    if (!this.#updates.delete(uuid) || task === undefined) return;
    task.info = undefined;
    task.pending -= 1;
    this.#dropIfOver(taskId, task);
  }

  #dropIfOver(taskId: string, task: KnownTask): void {
    if (task.forgotten && task.terminal && task.pending === 0) this.#tasks.delete(taskId);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
