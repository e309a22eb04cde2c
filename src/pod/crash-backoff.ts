import type { WaitingReason } from './observed.ts';
import type { ValidPod } from './types.ts';

/** What is remembered of a container's last restart, by container name. All times milliseconds. */
export interface CrashBackoff {
  /** The next restart comes no sooner than this after the container finished. */
  readonly delayMs: number;
  /** When the restart that set `delayMs` was tried, since the epoch. */
  readonly updatedAt: number;
  /** Hash of the spec that crashed: a changed spec starts anew. */
  readonly hash: string;
}

/** `state.waiting` of a container that waits for its back-off to end. */
export function crashLoopWaiting(_pod: ValidPod, _containerName: string, _delayMs: number): WaitingReason {
  throw new Error('unwritten');
}
