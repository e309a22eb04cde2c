import type { Clock } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import type { MesosEnvironment } from '../mesos/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Memory } from './memory.ts';

export interface ExecutorOptions {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  /** What earlier processes of it knew; the executor closes it. */
  readonly memory: Memory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of this product. */
  readonly version: string;
}

/** How the executor came to its end: `done` when it was told to, `lost` when it gave up on its agent, `restart` when a new process is to go on with its pods. */
export type ExecutorEnd = 'done' | 'lost' | 'restart';
