import { succeeded, type History } from './history.ts';
import type { ObservedContainer } from './observed.ts';
import type { Container, ValidPod } from './types.ts';

export type InitProgress =
  /** All ended well, or there are none. */
  | { readonly kind: 'done' }
  | { readonly kind: 'running' }
  | { readonly kind: 'next'; readonly container: Container }
  /** One failed and the restart policy is Never: the pod is over. */
  | { readonly kind: 'failed' };

/**
 * How far the init containers are in this sandbox; those of an earlier sandbox do not count, a new sandbox begins anew.
 * Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_container.go findNextInitContainerToRun.
 */
export function initProgress(pod: ValidPod, history: History, sandbox: ObservedContainer): InitProgress {
  const containers = pod.spec.initContainers ?? [];
  const here = (name: string): ObservedContainer | undefined =>
    history.get(name)?.find((c) => c.sandboxId === undefined || c.sandboxId === sandbox.id);
  // A container that runs proves that initialization is over, even when the dead init containers have been cleaned up.
  if (containers.length === 0 || pod.spec.containers.some((c) => here(c.name) !== undefined)) return { kind: 'done' };

  for (const container of containers.toReversed()) {
    const newest = here(container.name);
    if (newest?.state === 'exited' && !succeeded(newest)) {
      return pod.spec.restartPolicy === 'Never' ? { kind: 'failed' } : { kind: 'next', container };
    }
  }
  for (let i = containers.length - 1; i >= 0; i--) {
    const newest = here(containers[i]?.name ?? '');
    if (newest?.state === 'running' || newest?.state === 'unknown') return { kind: 'running' };
    if (newest?.state === 'exited') {
      const container = containers[i + 1];
      return container === undefined ? { kind: 'done' } : { kind: 'next', container };
    }
  }
  const first = containers[0];
  return first === undefined ? { kind: 'done' } : { kind: 'next', container: first };
}
