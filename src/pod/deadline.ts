import { fromTime } from './times.ts';
import type { PodStatus, ValidPod } from './types.ts';

/** The `failure` of a pod whose deadline has passed. Kubernetes v1.20 pkg/kubelet/active_deadline.go. */
export const DEADLINE_EXCEEDED = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
} as const;

/** Milliseconds until `activeDeadlineSeconds` has passed, 0 or less when it has; undefined without a deadline or a start. */
export function remainingMs(pod: ValidPod, status: PodStatus | undefined, now: number): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  const start = fromTime(status?.startTime);
  return seconds === undefined || start === undefined ? undefined : start + seconds * 1000 - now;
}

export function deadlineExceeded(pod: ValidPod, status: PodStatus | undefined, now: number): boolean {
  const remaining = remainingMs(pod, status, now);
  return remaining !== undefined && remaining <= 0;
}
