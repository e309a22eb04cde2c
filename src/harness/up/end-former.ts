import { setTimeout as sleep } from 'node:timers/promises';
import { KmError } from '../../base/index.ts';
import { type Owner, ownersOf, sightOf } from '../../executor/index.ts';
import type { Logger } from '../../telemetry/index.ts';

/** For an executor that was told to end, milliseconds: it ends its pods within the grace of its agent, 5 s here unless told. */
const GRACE_MS = 15_000;
/** For one that was killed. */
const DYING_MS = 5_000;
const LOOK_MS = 50;

/**
 * Ends the executors of this root directory that live on without their cluster, which was killed alone; or they would lose their files under
 * their feet. Throws code `conflict` when one does not go, or is out of sight: its pid may be anybody's here.
 */
export async function endFormer(rootDir: string, logger: Logger): Promise<void> {
  await Promise.all(ownersOf(rootDir).map(async (owner) => {
    if (sightOf(owner.process).is === 'ended') return;
    logger.warn('ending the executor of a cluster that is gone', { executor: owner.executorId, pid: owner.process.pid });
    if ((await ends(owner, 'SIGTERM', GRACE_MS)) || (await ends(owner, 'SIGKILL', DYING_MS))) return;
    throw new KmError('conflict', `${rootDir} is in use by the executor ${owner.executorId}, process ${owner.process.pid}, and that does not end: end it, or name another directory`);
  }));
}

/** Signals the owner's process, with SIGKILL all of its group; whether it ends in time. */
async function ends({ process: owner }: Owner, signal: 'SIGTERM' | 'SIGKILL', ms: number): Promise<boolean> {
  const sight = sightOf(owner);
  if (sight.is !== 'alive') return sight.is === 'ended';
  try {
    process.kill(signal === 'SIGKILL' ? -sight.pid : sight.pid, signal);
  } catch {
    // It has ended just now: the look tells.
  }
  for (let waited = 0; waited < ms; waited += LOOK_MS) {
    if (sightOf(owner).is === 'ended') return true;
    await sleep(LOOK_MS);
  }
  return false;
}
