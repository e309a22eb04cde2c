import type { TaskLimits } from '../docker/index.ts';
import type { ContainerStreak, PodStatus } from '../pod/index.ts';
import type { CheckStatus, TaskCheck } from '../status/index.ts';

/** What the executor knows of a pod, this process or an earlier one. */
export interface Known {
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
  readonly status?: PodStatus;
  readonly restartCounts: ReadonlyMap<string, number>;
  /** What probes had counted when the process before this one was last there. */
  readonly streaks?: readonly ContainerStreak[] | undefined;
  /** What its task may use; absent: as much as there is. */
  readonly limits?: TaskLimits | undefined;
  /** Its task's general check, and what was told of that. */
  readonly check?: TaskCheck | undefined;
  readonly checkStatus?: CheckStatus | undefined;
  /** A liveness probe that has failed ends the pod, not only its container. */
  readonly endsUnhealthy?: true | undefined;
}
