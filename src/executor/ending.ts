import type { KillCause } from '../status/index.ts';

/** How the executor came to its end: `done` when it was told to, `lost` when it gave up on its agent, `restart` when a new process is to go on with its pods. */
export type ExecutorEnd = 'done' | 'lost' | 'restart';

/** That it is to end, and how. */
export interface Ending {
  readonly cause: KillCause;
  readonly end: ExecutorEnd;
}
