import type { PodStatus } from './types.ts';

/** How a pod that is over ended, in the words of Mesos. */
export interface PodOutcome {
  readonly state: 'TASK_FINISHED' | 'TASK_FAILED';
  /** Name of a `TaskStatus.Reason`. */
  readonly reason?: string;
  readonly message: string;
}

/** `undefined` while the phase is not terminal. */
export function outcomeOf(_status: PodStatus): PodOutcome | undefined {
  throw new Error('unwritten');
}
