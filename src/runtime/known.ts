import type { TaskLimits } from '../docker/index.ts';
import type { ContainerStreak, PodStatus } from '../pod/index.ts';
import type { CheckStatus, TaskCheck } from '../status/index.ts';

/** What the API asks of a running pod and does not get; all else that it asks is followed. */
export interface NotFollowed {
  /** Fields with which it asks for other resources than containers have and keep. */
  readonly resources: readonly string[];
  /** Ephemeral containers that cannot run here, and why. */
  readonly ephemeral: readonly { readonly name: string; readonly why: string }[];
}

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
