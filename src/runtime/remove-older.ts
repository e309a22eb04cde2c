import { isCode, messageOf } from '../base/index.ts';
import { LABELS } from '../docker/index.ts';
import type { ObservedContainer } from '../pod/index.ts';
import { removeTerminationMessageFile, unlinkContainerLog } from '../volumes/index.ts';
import type { PodContext } from './pod-context.ts';

/** Keeps the newest dead container of a name, for its log and last state; the ones before it go, with their files. */
export async function removeOlder(context: PodContext, name: string, current: string): Promise<void> {
  const dead = context.observed.containers.filter((c) => c.name === name && c.id !== current && c.state !== 'running').slice(1);
  await Promise.all(dead.map((container) => remove(context, container).catch((error: unknown) => {
    context.node.logger.warn('dead container not removed', { container: container.id, error: messageOf(error) });
  })));
}

async function remove({ node, identity }: PodContext, { id, name, attempt }: ObservedContainer): Promise<void> {
  const labels = await node.engine.inspect(id).then((inspected) => inspected.labels, (error: unknown) => {
    if (isCode(error, 'not-found')) return {};
    throw error;
  });
  await node.engine.remove(id);
  const file = (labels as Readonly<Record<string, string>>)[LABELS.terminationMessageFile];
  if (file !== undefined) await removeTerminationMessageFile(file);
  await unlinkContainerLog({ baseDir: node.logDir, pod: identity, container: name, attempt, containerId: id });
}
