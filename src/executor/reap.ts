import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal, messageOf, removeJournal, systemClock } from '../base/index.ts';
import { type ContainerSummary, type Engine, labelsOfExecutor, type PodCgroups, readLabels } from '../docker/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { removePodFiles, removePodLogs } from '../volumes/index.ts';
import { ExecutorState, type FormerPod, type JournalEntry } from './journal-entry.ts';
import { disown, isDead, isLast, type Owner, ownerName, ownersOf } from './owners.ts';

export interface ReapOptions {
  readonly rootDir: string;
  readonly podLogsDir: string;
  readonly engine: Engine;
  readonly cgroups?: Pick<PodCgroups, 'remove'> | undefined;
  /** Tells the API of a pod's end, where there is one. */
  readonly tellOfEnd?: ((former: FormerPod) => Promise<void>) | undefined;
  readonly logger: Logger;
}

/** What is there of executors that have ended without removing it. */
export interface Remains {
  readonly dead: readonly { readonly owner: Owner; readonly containers: readonly ContainerSummary[] }[];
  /** Containers of executors of which this root directory knows nothing: another one's, dead or alive. */
  readonly unknown: readonly ContainerSummary[];
}

/** Looks for what dead executors have left; removes nothing. Throws code `unavailable` when the Engine is away. */
export async function findRemains({ rootDir, engine }: Pick<ReapOptions, 'rootDir' | 'engine'>): Promise<Remains> {
  const owners = ownersOf(rootDir); // before the list: one that begins later is none of these
  const containers = await engine.list({});
  const isOf = ({ labels }: ContainerSummary, { frameworkId, executorId }: Owner): boolean => Object.entries(labelsOfExecutor({ frameworkId, executorId })).every(([key, value]) => labels[key] === value);
  return {
    dead: owners.filter(isDead).map((owner) => ({ owner, containers: containers.filter((container) => isOf(container, owner)) })),
    unknown: containers.filter((container) => readLabels(container.labels) !== undefined && !owners.some((owner) => isOf(container, owner))),
  };
}

/**
 * Removes what executors have left that are certainly dead: containers first, then files, mounts, cgroups and networks of their pods, their journals last. What fails is to be
 * tried again. One that the agent has started anew meanwhile, under the same ids, goes on by itself with what is left.
 */
export async function reapDead(options: ReapOptions, known?: Remains): Promise<void> {
  const { rootDir, engine, logger } = options;
  if (known === undefined && !ownersOf(rootDir).some(isDead)) return; // nearly always: then nobody asks the Engine
  const { dead } = known ?? (await findRemains(options));
  for (const { owner, containers } of dead) {
    if (!isLast(rootDir, owner)) continue;
    logger.warn('removing what a dead executor has left', { framework: owner.frameworkId, executor: owner.executorId, containers: containers.length });
    await Promise.all(containers.map(({ id }) => engine.remove(id)));
    await reapFiles(options, owner, containers);
  }
}

/** What is on the disk of it. Each time that we have waited its next run may have begun: then journal, files and networks are that one's. */
async function reapFiles(options: ReapOptions, owner: Owner, containers: readonly ContainerSummary[]): Promise<void> {
  const { rootDir, logger } = options;
  const path = join(rootDir, 'journal', `${ownerName(owner)}.jsonl`);
  if (!isLast(rootDir, owner)) return;
  const known = podsInJournal(path, logger);
  const all = new Map([...podsOf(containers).map((pod): FormerPod => ({ pod })), ...(known ?? [])].map((former) => [former.pod.uid, former]));
  for (const former of all.values()) {
    if (!isLast(rootDir, owner)) return;
    await removePod(options, former.pod);
    await options.tellOfEnd?.(former);
  }
  if (!isLast(rootDir, owner)) return;
  await releaseNetworks(rootDir, owner, logger);
  if (!isLast(rootDir, owner)) return;
  if (known !== undefined) removeJournal(path);
  disown(rootDir, owner);
}

async function removePod({ rootDir, podLogsDir, cgroups }: ReapOptions, pod: PodIdentity): Promise<void> {
  await Promise.all([removePodFiles(rootDir, pod.uid), removePodLogs(pod, podLogsDir), cgroups?.remove(pod.uid)]);
}

/** Gives back what CNI plugins have made for its pods: their records say how. Throws code `internal` when one cannot be given back. */
async function releaseNetworks(rootDir: string, owner: Owner, logger: Logger): Promise<void> {
  const stateDir = join(rootDir, 'network', ownerName(owner));
  if (!existsSync(stateDir)) return;
  const { CniNetwork } = await import('../network/index.ts'); // as a rule pods are in the Engine's network
  const network = await CniNetwork.open({ confDir: undefined, binDirs: [], stateDir, clock: systemClock, logger, onFault: () => undefined });
  try {
    for (const { sandboxId } of network.sandboxes()) await network.detach(sandboxId);
  } finally {
    await network.stop();
  }
  await rm(stateDir, { recursive: true, force: true });
}

function podsOf(containers: readonly ContainerSummary[]): PodIdentity[] {
  return containers.flatMap(({ labels }) => readLabels(labels)?.pod ?? []);
}

/** Its journal says which pods it had. Undefined: it cannot be read, and is left for somebody to look at. */
function podsInJournal(path: string, logger: Logger): FormerPod[] | undefined {
  try {
    return [...ExecutorState.restore(Journal.read<JournalEntry>(path)).legacy()];
  } catch (error) {
    logger.warn('journal of a dead executor cannot be read', { path, error: messageOf(error) });
    return undefined;
  }
}
