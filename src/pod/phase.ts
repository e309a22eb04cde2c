import { isSidecar } from './sidecar.ts';
import type { Container, ContainerStatus, PodSpec } from './types.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** A phase that no pod ever leaves. */
export function isTerminal(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/**
 * The phase that the container statuses (init ones too) add up to. A pod is not over while a sidecar runs; how sidecars end does not count.
 * Kubernetes v1.20 and v1.33 pkg/kubelet/kubelet_pods.go getPhase.
 */
export function podPhase(
  spec: Pick<PodSpec, 'containers' | 'initContainers' | 'restartPolicy'>,
  statuses: { init: readonly ContainerStatus[]; app: readonly ContainerStatus[] },
): PodPhase {
  const sidecars = (spec.initContainers ?? []).filter(isSidecar).map((c) => statusOf(c, statuses.init));
  const sidecarRuns = sidecars.some((status) => status?.state?.running !== undefined);
  const init = (spec.initContainers ?? []).filter((c) => !isSidecar(c)).map((c) => initState(statusOf(c, statuses.init)));
  if (init.includes('failed') && spec.restartPolicy === 'Never') return sidecarRuns ? 'Pending' : 'Failed';

  const app = spec.containers.map((c) => appState(statusOf(c, statuses.app)));
  const has = (state: AppState): boolean => app.includes(state);
  const begun = anyHasStarted(spec, statuses.app);
  if (init.includes('pending') || (!begun && sidecars.some(isOnItsWay))) return 'Pending';
  if (has('waiting') || has('unknown')) return 'Pending';
  if (has('running') || sidecarRuns) return 'Running';
  if (app.length === 0) return 'Pending';
  if (spec.restartPolicy === 'Always') return 'Running'; // all on their way to being restarted
  if (app.every((state) => state === 'succeeded')) return 'Succeeded';
  return spec.restartPolicy === 'Never' ? 'Failed' : 'Running';
}

/** Whether all that a pod has to do is done, although sidecars may still run. */
export function workSucceeded(spec: Pick<PodSpec, 'containers' | 'restartPolicy'>, app: readonly ContainerStatus[]): boolean {
  return spec.restartPolicy !== 'Always' && spec.containers.every((c) => appState(statusOf(c, app)) === 'succeeded');
}

/** Whether a regular container has run: from then on the pod counts as initialized, also while a sidecar is started again. */
export function anyHasStarted(spec: Pick<PodSpec, 'containers'>, app: readonly ContainerStatus[]): boolean {
  return spec.containers.some((c) => ['running', 'succeeded', 'stopped'].includes(appState(statusOf(c, app))));
}

/** A sidecar that has not started yet. */
function isOnItsWay(status: ContainerStatus | undefined): boolean {
  if (status?.state?.running !== undefined) return status.started !== true;
  return status?.state?.terminated === undefined && status?.lastState?.terminated === undefined;
}

type InitState = 'pending' | 'failed' | 'done';
type AppState = 'running' | 'succeeded' | 'stopped' | 'waiting' | 'unknown';

function initState(status: ContainerStatus | undefined): InitState {
  const { state, lastState } = status ?? {};
  if (state?.running !== undefined) return 'pending';
  if (state?.terminated !== undefined) return state.terminated.exitCode === 0 ? 'done' : 'failed';
  if (state?.waiting !== undefined && lastState?.terminated !== undefined) {
    return lastState.terminated.exitCode === 0 ? 'done' : 'failed';
  }
  return 'pending';
}

function appState(status: ContainerStatus | undefined): AppState {
  const { state, lastState } = status ?? {};
  if (state?.running !== undefined) return 'running';
  if (state?.terminated !== undefined) return state.terminated.exitCode === 0 ? 'succeeded' : 'stopped';
  if (state?.waiting !== undefined) return lastState?.terminated === undefined ? 'waiting' : 'stopped';
  return 'unknown';
}

function statusOf(container: Container, statuses: readonly ContainerStatus[]): ContainerStatus | undefined {
  return statuses.find((s) => s.name === container.name);
}
