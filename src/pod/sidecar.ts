import type { Container, PodSpec, ValidPod } from './types.ts';

type Lists = Pick<PodSpec, 'containers' | 'initContainers'>;

/**
 * Whether an init container is a sidecar: it begins in its turn, and the next one begins once it has started, not when it has ended. It is kept
 * running for as long as a regular container of the pod runs or will run (Kubernetes v1.29 pkg/kubelet/types IsRestartableInitContainer).
 */
export function isSidecar({ restartPolicy }: Pick<Container, 'restartPolicy'>): boolean {
  return restartPolicy === 'Always';
}

export function sidecarsOf({ initContainers = [] }: Lists): Container[] {
  return initContainers.filter(isSidecar);
}

/** The containers that may have probes and hooks: sidecars, then the regular ones. */
export function lastingContainers(spec: Lists): Container[] {
  return [...sidecarsOf(spec), ...spec.containers];
}

/** What happens when the container ends by itself. The pod's policy; a sidecar is always started again. */
export function restartPolicyOf({ spec }: ValidPod, container: Container): ValidPod['spec']['restartPolicy'] {
  return spec.initContainers?.includes(container) === true && isSidecar(container) ? 'Always' : spec.restartPolicy;
}
