import type { Clock } from '../base/index.ts';
import type { CallSubscribe, CallUpdate, TaskInfo, TaskStatus } from './messages.ts';

/**
 * One line of the journal: plain JSON. `protobuf` is the message in base64.
 */
export type LedgerEntry =
  | { readonly kind: 'task'; readonly taskId: string; readonly protobuf: string }
  | { readonly kind: 'update'; readonly taskId: string; readonly state: string; readonly uuid: string; readonly protobuf: string }
  | { readonly kind: 'acknowledged'; readonly taskId: string; readonly uuid: string }
  | { readonly kind: 'forget'; readonly taskId: string };

/** What the caller says of a task; identity, time, source and uuid are added here. */
export type TaskReport = Omit<TaskStatus, 'uuid' | 'timestamp' | 'source' | 'executor_id'>;

/** An update of the ledger: complete, with its uuid. */
export type TaskUpdate = CallUpdate;

export interface LedgerOptions {
  readonly executorId: string;
  /** Called with every change before it takes effect; must have written it down when it returns. What it throws goes to the caller. */
  readonly record: (entry: LedgerEntry) => void;
  readonly clock: Clock;
}

export declare class Ledger {
  constructor(options: LedgerOptions);
  /** The ledger that these entries, as they were recorded, add up to. */
  static restore(entries: Iterable<LedgerEntry>, options: LedgerOptions): Ledger;
  /** False when the task is known already. */
  addTask(task: TaskInfo): boolean;
  /** Undefined when refused: the task is unknown or has had its terminal update. */
  update(report: TaskReport): TaskUpdate | undefined;
  /** False when nobody waits for it. */
  acknowledge(taskId: string, uuid: Uint8Array): boolean;
  /** The task is over for the caller; it is dropped when its terminal update is acknowledged. */
  forget(taskId: string): void;
  /** What SUBSCRIBE tells the agent. */
  unacknowledged(): { readonly tasks: readonly TaskInfo[]; readonly updates: readonly TaskUpdate[] };
  subscribe(): CallSubscribe;
  has(taskId: string): boolean;
  /** Whether a terminal update has been recorded. */
  isTerminal(taskId: string): boolean;
  /** The shortest list of entries that restores what there is: for compaction. */
  entries(): LedgerEntry[];
}
