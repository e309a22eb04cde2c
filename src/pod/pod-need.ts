import { isSidecar } from './sidecar.ts';
import type { Container, PodSpec } from './types.ts';

/**
 * How much a pod needs at its greediest, of what `of` says of one container: while all regular containers and sidecars run, or while an
 * init container runs beside the sidecars before it (Kubernetes v1.33 pkg/api/v1/resource PodRequests).
 */
export function podNeed({ containers, initContainers = [] }: Pick<PodSpec, 'containers' | 'initContainers'>, of: (container: Container) => bigint): bigint {
  let sidecars = 0n;
  let most = 0n;
  for (const container of initContainers) {
    if (isSidecar(container)) sidecars += of(container);
    const beside = isSidecar(container) ? sidecars : sidecars + of(container);
    if (beside > most) most = beside;
  }
  const lasting = containers.reduce((sum, container) => sum + of(container), sidecars);
  return lasting > most ? lasting : most;
}
