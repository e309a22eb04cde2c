import type { TaskLimits } from '../docker/index.ts';
import type { ContainerStreak, CrashBackoff, PodStatus } from '../pod/index.ts';
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
  /** Absent: nothing has become of it yet. */
  readonly remembered?: Remembered;
  /** What its task may use; absent: as much as there is. */
  readonly limits?: TaskLimits | undefined;
  /** Its task's general check, and what was told of that. */
  readonly check?: TaskCheck | undefined;
  readonly checkStatus?: CheckStatus | undefined;
  /** A liveness probe that has failed ends the pod, not only its container. */
  readonly endsUnhealthy?: true | undefined;
}

/** What goes on where it was when the process before this one has died. */
export interface Remembered {
  /** By container name, as the next two. */
  readonly restartCounts: ReadonlyMap<string, number>;
  readonly crashBackoffs: ReadonlyMap<string, CrashBackoff>;
  readonly streaks: readonly ContainerStreak[];
  readonly pullFailures: readonly PullFailure[];
}

export const NOTHING: Remembered = { restartCounts: new Map(), crashBackoffs: new Map(), streaks: [], pullFailures: [] };

/** An image of a container that could not be pulled. */
export interface PullFailure {
  readonly container: string;
  readonly image: string;
  /** How long it is left alone, and until when: milliseconds, and since the epoch. */
  readonly delayMs: number;
  readonly untilMs: number;
}

/** Something that the process after this one has to know of a pod. */
export type PodNote =
  /** A container is about to get this attempt number, the highest of its name so far. */
  | { readonly kind: 'attempt'; readonly container: string; readonly attempt: number; readonly crashBackoff?: CrashBackoff }
  /** A probe has come to the same so often in a row. */
  | { readonly kind: 'probe'; readonly streak: ContainerStreak }
  | { readonly kind: 'pull'; readonly failure: PullFailure };
