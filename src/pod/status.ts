import type { ObservedPod, ProbeResults, WaitingReason } from './observed.ts';
import type { ContainerStatus, PodSpec, PodStatus, ValidPod } from './types.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

export interface PodStatusInput {
  readonly pod: ValidPod;
  readonly observed: ObservedPod;
  /** The status before: what we reported last, or what the API holds. */
  readonly previous?: PodStatus;
  readonly probes: ProbeResults;
  /** Why a container is not running, by container name. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly hostIP: string;
  /** Highest attempt that ever existed, by container name. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Something other than its containers ended the pod (admission, deadline, eviction, a kill by Mesos): phase Failed. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** The pod is being killed: containers that are gone do not count as waiting to start. */
  readonly terminating?: boolean;
}

/** The whole `Pod.status` to report. */
export function podStatus(_input: PodStatusInput): PodStatus {
  throw new Error('unwritten');
}

/** The phase that the container statuses (init ones too) add up to. */
export function podPhase(_spec: PodSpec, _statuses: { init: readonly ContainerStatus[]; app: readonly ContainerStatus[] }): PodPhase {
  throw new Error('unwritten');
}

export function isTerminal(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}
