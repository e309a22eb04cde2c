import type { ObservedContainer, ObservedPod } from './observed.ts';
import { restartPolicyOf } from './sidecar.ts';
import type { Container, ValidPod } from './types.ts';

/** A pod's containers by name, newest first. */
export type History = ReadonlyMap<string, readonly ObservedContainer[]>;

export function historyOf(observed: ObservedPod): History {
  const byName = new Map<string, ObservedContainer[]>();
  for (const container of observed.containers) {
    const list = byName.get(container.name);
    if (list === undefined) byName.set(container.name, [container]);
    else list.push(container);
  }
  for (const list of byName.values()) list.sort(newestFirst);
  return byName;
}

/** The newest sandbox, whatever its state. */
export function newestSandbox(observed: ObservedPod): ObservedContainer | undefined {
  const [first, ...rest] = observed.sandboxes;
  return rest.reduce((a, b) => (a !== undefined && newestFirst(a, b) <= 0 ? a : b), first);
}

/** Did it end well? Only meaningful for one that has exited. */
export function succeeded(container: ObservedContainer): boolean {
  return container.state === 'exited' && container.startedAt !== undefined && (container.exitCode ?? 0) === 0;
}

/**
 * Whether a container should be running and is not, given its newest instance.
 * Kubernetes v1.20 pkg/kubelet/container/helpers.go ShouldContainerBeRestarted; an `unknown` one is left alone here,
 * since it may well be running.
 */
export function shouldStart(pod: ValidPod, container: Container, newest: ObservedContainer | undefined): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (newest === undefined || newest.state === 'created') return true;
  if (newest.state !== 'exited') return false;
  switch (restartPolicyOf(pod, container)) {
    case 'Always':
      return true;
    case 'OnFailure':
      return !succeeded(newest);
    case 'Never':
      return false;
  }
}

function newestFirst(a: ObservedContainer, b: ObservedContainer): number {
  return b.attempt - a.attempt || b.createdAt - a.createdAt;
}
