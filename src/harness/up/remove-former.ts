import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { connectEngine, PodCgroups } from '../../docker/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { removeRootDirectory } from '../../volumes/index.ts';

/** Ends the executor of a cluster that was killed, where it has not yet noticed, removes what the two have left, then the root directory. Throws code `conflict` when it does not end. */
export async function removeFormer({ rootDir, podLogsDir, logger }: { rootDir: string; podLogsDir: string; logger: Logger }): Promise<void> {
  if (existsSync(join(rootDir, 'owners'))) {
    const { endFormer } = await import('./end-former.ts'); // brings the whole executor, which is another process else
    await endFormer(rootDir, logger);
    await reap(rootDir, podLogsDir, logger);
  }
  await removeRootDirectory(rootDir);
}

async function reap(rootDir: string, podLogsDir: string, logger: Logger): Promise<void> {
  const { findRemains, reapDead } = await import('../../executor/index.ts');
  const engine = connectEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', logger });
  try {
    const remains = await findRemains({ rootDir, engine });
    if (remains.dead.length > 0) await reapDead({ rootDir, podLogsDir, engine, cgroups: PodCgroups.anywhere((await engine.info()).cgroupVersion), logger }, remains);
  } catch (error) {
    logger.warn('what a cluster before has left is not removed', { error: messageOf(error) });
  } finally {
    engine.close();
  }
}
