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
