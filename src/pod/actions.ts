import type { PodAction } from './action.ts';
import type { CrashBackoff } from './crash-backoff.ts';
import type { ObservedPod, ProbeResults } from './observed.ts';
import type { ValidPod } from './types.ts';

export interface PodActionsInput {
  readonly pod: ValidPod;
  readonly observed: ObservedPod;
  readonly probes: ProbeResults;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** By container name, see `start-container`. */
  readonly crashBackoff: ReadonlyMap<string, CrashBackoff>;
  /** Highest attempt that ever existed, by container name (journal): attempts never fall. Absent: none existed. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Containers whose postStart hook failed, by container id, and what it said. */
  readonly postStartFailed?: ReadonlyMap<string, string>;
}

/** What to do now; an empty list when all is as it should be. To be called again after the actions have been carried out. */
export function podActions(_input: PodActionsInput): PodAction[] {
  throw new Error('unwritten');
}
