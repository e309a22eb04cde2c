import { type Clock, messageOf, RepeatingTask } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import { type Engine, type EngineInfo, PodCgroups } from '../docker/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { reapDead, type ReapOptions } from './reap.ts';

/** How often a live executor looks for dead ones, milliseconds: nothing stays for longer than a minute. */
const INTERVAL_MS = 45_000;

interface ReaperOptions {
  readonly config: Pick<ExecutorConfig, 'rootDir' | 'podLogsDir'>;
  readonly engine: Engine;
  readonly engineInfo: Pick<EngineInfo, 'cgroupVersion'>;
  readonly tellOfEnd: ReapOptions['tellOfEnd'];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Removes, now and then, what dead executors with the same root directory have left. */
export function reaper({ config: { rootDir, podLogsDir }, engine, engineInfo, tellOfEnd, clock, logger }: ReaperOptions): RepeatingTask {
  return new RepeatingTask({
    clock,
    intervalMs: INTERVAL_MS,
    run: () => reapDead({ rootDir, podLogsDir, engine, cgroups: PodCgroups.anywhere(engineInfo.cgroupVersion), tellOfEnd, logger }),
    onError: (error) => logger.warn('what a dead executor has left is not removed yet', { error: messageOf(error) }),
  });
}
