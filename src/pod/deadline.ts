import type { PodStatus, ValidPod } from './types.ts';

export const DEADLINE_EXCEEDED = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
} as const;

/** Milliseconds until `activeDeadlineSeconds` has passed, 0 or less when it has; undefined without a deadline or a start. */
export function remainingMs(_pod: ValidPod, _status: PodStatus | undefined, _now: number): number | undefined {
  throw new Error('unwritten');
}

export function deadlineExceeded(pod: ValidPod, status: PodStatus | undefined, now: number): boolean {
  const remaining = remainingMs(pod, status, now);
  return remaining !== undefined && remaining <= 0;
}
