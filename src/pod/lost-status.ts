import { LOST } from './container-state.ts';
import { toTime } from './times.ts';
import type { ContainerStatus, PodCondition, PodStatus } from './types.ts';

/** Why nobody knows how it has ended: its executor has with it, or the API was told and has forgotten. */
export type LossCause = keyof typeof CAUSES;

const CAUSES = {
  'executor-ended': { reason: 'ExecutorTerminated', message: 'the executor that ran the pod has ended, and with it all that was left of the pod' },
  'task-over': { reason: 'TaskOver', message: 'the task of the pod has ended, and nothing of the pod is left on its node' },
} as const;
/** Those that say whether it can be used. */
const READINESS: ReadonlySet<string> = new Set(['Ready', 'ContainersReady']);

/**
 * The status of a pod that somebody has ended who could not say so any more: failed, so that its controller replaces it; of containers that were running nothing is known. `status` is
 * the last one that anybody knows of, `now` milliseconds since the epoch.
 */
export function lostStatus(status: PodStatus, cause: LossCause, now: number): PodStatus {
  const time = toTime(now);
  return {
    ...status,
    phase: 'Failed',
    ...CAUSES[cause],
    ...(status.conditions !== undefined && { conditions: status.conditions.map((condition) => unready(condition, time)) }),
    ...(status.initContainerStatuses !== undefined && { initContainerStatuses: status.initContainerStatuses.map((one) => ended(one, time)) }),
    ...(status.containerStatuses !== undefined && { containerStatuses: status.containerStatuses.map((one) => ended(one, time)) }),
  };
}

function unready(condition: PodCondition, time: string): PodCondition {
  if (!READINESS.has(condition.type)) return condition;
  return { type: condition.type, status: 'False', reason: 'PodFailed', lastTransitionTime: condition.status === 'False' ? (condition.lastTransitionTime ?? time) : time };
}

function ended(container: ContainerStatus, time: string): ContainerStatus {
  const { running } = container.state ?? {};
  if (running === undefined) return { ...container, ready: false, started: false };
  const { containerID } = container;
  const terminated = { ...LOST, ...(running.startedAt !== undefined && { startedAt: running.startedAt }), finishedAt: time, ...(containerID !== undefined && { containerID }) };
  return { ...container, ready: false, started: false, state: { terminated } };
}
