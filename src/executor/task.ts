import type { PodRecord } from './journal-entry.ts';
import type { Order } from './order.ts';
import type { TaskTimers } from './task-timers.ts';

/** One task of this executor, and the pod that it is. */
export interface Task {
  readonly taskId: string;
  record?: PodRecord;
  /** Present: the API has or had the pod. Absent: it said that it has none, and never had. */
  presence: 'present' | 'absent' | 'unknown';
  /** Set from the moment at which it has to end, also while its launch is still under way. */
  order: Order | undefined;
  readonly timers: TaskTimers;
}
