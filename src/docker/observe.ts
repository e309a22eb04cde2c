import type { ObservedContainer } from '../pod/index.ts';
import type { InspectedContainer } from './engine.ts';
import { readLabels } from './labels.ts';

/**
 * What an inspect says, in the words of the decisions; `undefined` when it is no container of ours. `terminationMessage` is
 * what was read for it, if anything was.
 *
 * Docker calls a container that could never be started `created` or `exited` with an error; both are an end (reason
 * `ContainerCannotRun`). One that has neither started, nor ended, nor failed is only created (Kubernetes v1.20
 * pkg/kubelet/dockershim/docker_container.go).
 */
export function observe(inspected: InspectedContainer, terminationMessage?: string): ObservedContainer | undefined {
  const labels = readLabels(inspected.labels);
  if (labels === undefined) return undefined;
  const state = stateOf(inspected);
  const ended = state === 'exited';
  return {
    id: inspected.id,
    kind: labels.kind,
    name: labels.name,
    attempt: labels.attempt,
    state,
    image: labels.image !== '' ? labels.image : inspected.image,
    imageId: labels.imageId !== '' ? labels.imageId : `docker://${inspected.imageSha}`,
    hash: labels.hash,
    createdAt: inspected.createdAt,
    ...(state !== 'created' && inspected.startedAt !== undefined && { startedAt: inspected.startedAt }),
    ...(ended && { finishedAt: inspected.finishedAt ?? inspected.createdAt, exitCode: inspected.exitCode }),
    oomKilled: ended && inspected.oomKilled,
    ...(inspected.error !== '' && { error: inspected.error }),
    ...(terminationMessage !== undefined && terminationMessage !== '' && { terminationMessage }),
    ...(labels.kind === 'sandbox' && inspected.ips.length > 0 && { ips: inspected.ips }),
    ...(labels.kind === 'sandbox' && { hostNetwork: inspected.networkMode === 'host' }),
    ...(labels.sandboxId !== undefined && { sandboxId: labels.sandboxId }),
  };
}

function stateOf(inspected: InspectedContainer): ObservedContainer['state'] {
  if (inspected.running) return 'running';
  const untouched = inspected.startedAt === undefined && inspected.finishedAt === undefined && inspected.error === '' && inspected.exitCode === 0;
  return untouched ? 'created' : 'exited';
}
