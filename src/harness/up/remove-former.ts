import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { connectEngine, PodCgroups } from '../../docker/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { removeRootDirectory } from '../../volumes/index.ts';

export interface FormerOptions {
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly logger: Logger;
  /** What stays, for whoever looks on: it is no reason not to begin anew. */
  readonly warn: (message: string) => void;
}

/** Ends the executor of a cluster that was killed, where it has not yet noticed, removes what the two have left, then the root directory. Throws code `conflict` when it does not end. */
export async function removeFormer(options: FormerOptions): Promise<void> {
  const { rootDir, logger, warn } = options;
  if (existsSync(join(rootDir, 'owners'))) {
    const { endFormer } = await import('./end-former.ts'); // brings the whole executor, which is another process else
    await endFormer(rootDir, logger);
    await reap(options);
  }
  await removeFiles(rootDir, warn);
}

/** Removes a root directory that nobody uses, as far as that can be done. */
export async function removeFiles(rootDir: string, warn: (message: string) => void): Promise<void> {
  await removeRootDirectory(rootDir).catch((error: unknown) => warn(`files of pods that are gone stay: ${messageOf(error)}`));
}

async function reap({ rootDir, podLogsDir, logger, warn }: FormerOptions): Promise<void> {
  const { findRemains, reapDead } = await import('../../executor/index.ts');
  const engine = connectEngine({ host: process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock', logger });
  try {
    const remains = await findRemains({ rootDir, engine });
    if (remains.dead.length > 0) await reapDead({ rootDir, podLogsDir, engine, cgroups: PodCgroups.anywhere((await engine.info()).cgroupVersion), logger }, remains);
  } catch (error) {
    warn(`what a cluster before has left is not removed: ${messageOf(error)}`);
  } finally {
    engine.close();
  }
}
