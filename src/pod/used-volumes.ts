import type { ValidPod, Volume } from './types.ts';

/**
 * The volumes that a container of the pod mounts, of whatever kind it is. Nobody looks at the others: what one of them names may well be
 * missing (Kubernetes v1.20 pkg/kubelet/volumemanager/populator, processPodVolumes).
 */
export function usedVolumes({ spec }: Pick<ValidPod, 'spec'>): Volume[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  const mounted = new Set(containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)));
  return (spec.volumes ?? []).filter(({ name }) => mounted.has(name));
}
