import { withOthers } from './conditions.ts';
import { isTerminal } from './phase.ts';
import type { PodStatus } from './types.ts';

/**
 * What to write when the API holds `old` and we say `ours`: foreign conditions come from `old`; a terminal phase of `old` (with its
 * reason and message) and its start time survive. Kubernetes v1.20 pkg/kubelet/status/status_manager.go mergePodStatus.
 */
export function mergeStatus(old: PodStatus, ours: PodStatus): PodStatus {
  const { reason: _reason, message: _message, ...rest } = ours;
  const from = isTerminal(old.phase) ? old : ours;
  const startTime = old.startTime ?? ours.startTime;
  return {
    ...rest,
    ...(from.phase === undefined ? {} : { phase: from.phase }),
    ...(from.reason === undefined ? {} : { reason: from.reason }),
    ...(from.message === undefined ? {} : { message: from.message }),
    ...(startTime === undefined ? {} : { startTime }),
    conditions: withOthers(ours.conditions, old.conditions),
  };
}
