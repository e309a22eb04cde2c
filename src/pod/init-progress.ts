import { succeeded, type History } from './history.ts';
import type { ObservedContainer, ProbeResults } from './observed.ts';
import { isSidecar, sidecarsOf } from './sidecar.ts';
import type { Container, ValidPod } from './types.ts';

export type InitProgress =
  /** All init containers ended well and all sidecars have started, or there are none. `start`: sidecars that have to be started again. */
  | { readonly kind: 'done'; readonly start: readonly Container[] }
  /** Not there yet; `start` in the order of the spec: the next one, and sidecars before it. */
  | { readonly kind: 'under-way'; readonly start: readonly Container[] }
  /** One failed and the restart policy is Never: the pod is over. */
  | { readonly kind: 'failed' };

/**
 * How far the init containers are in this sandbox; those of an earlier sandbox do not count, a new sandbox begins anew. The one that is farthest
 * tells: those before it may have been cleaned up.
 * Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_container.go findNextInitContainerToRun, v1.33 computeInitContainerActions.
 */
export function initProgress(pod: ValidPod, history: History, sandbox: ObservedContainer, probes: ProbeResults): InitProgress {
  const containers = pod.spec.initContainers ?? [];
  const here = ({ name }: Container): ObservedContainer | undefined =>
    history.get(name)?.find((c) => c.sandboxId === undefined || c.sandboxId === sandbox.id);
  // A regular container proves that initialization is over, even when the dead init containers have been cleaned up.
  if (pod.spec.containers.some((c) => here(c) !== undefined)) return { kind: 'done', start: sidecarsOf(pod.spec).filter((c) => isDown(here(c))) };

  const farthest = containers.findLastIndex((c) => here(c) !== undefined);
  const earlier = containers.slice(0, Math.max(0, farthest)).filter((c) => isSidecar(c) && isDown(here(c)));
  const container = containers[farthest];
  const step = container === undefined ? 'passed' : stepOf(container, here(container), probes);
  if (step === 'failed' && pod.spec.restartPolicy === 'Never') return { kind: 'failed' };
  const next = step === 'passed' ? containers[farthest + 1] : container;
  if (next === undefined) return { kind: 'done', start: earlier };
  return { kind: 'under-way', start: step === 'waiting' ? earlier : [...earlier, next] };
}

/** `again`: it has to be started (once more); `failed`: likewise, unless the pod is over with it. */
function stepOf(container: Container, newest: ObservedContainer | undefined, probes: ProbeResults): 'passed' | 'waiting' | 'again' | 'failed' {
  if (newest?.state === 'running' && isSidecar(container)) return hasStarted(container, newest, probes) ? 'passed' : 'waiting';
  if (newest?.state === 'running' || newest?.state === 'unknown') return 'waiting';
  if (newest?.state !== 'exited' || isSidecar(container)) return 'again';
  return succeeded(newest) ? 'passed' : 'failed';
}

function hasStarted({ startupProbe }: Container, { id }: ObservedContainer, { startup }: ProbeResults): boolean {
  return startupProbe === undefined || startup.get(id) === true;
}

function isDown(newest: ObservedContainer | undefined): boolean {
  return newest === undefined || newest.state === 'created' || newest.state === 'exited';
}
