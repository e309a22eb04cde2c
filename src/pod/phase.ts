import type { Container, ContainerStatus, PodSpec } from './types.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** A phase that no pod ever leaves. */
export function isTerminal(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** The phase that the container statuses (init ones too) add up to. Kubernetes v1.20 pkg/kubelet/kubelet_pods.go getPhase. */
export function podPhase(
  spec: Pick<PodSpec, 'containers' | 'initContainers' | 'restartPolicy'>,
  statuses: { init: readonly ContainerStatus[]; app: readonly ContainerStatus[] },
): PodPhase {
  const init = (spec.initContainers ?? []).map((c) => initState(statusOf(c, statuses.init)));
  if (init.includes('failed') && spec.restartPolicy === 'Never') return 'Failed';

  const app = spec.containers.map((c) => appState(statusOf(c, statuses.app)));
  const has = (state: AppState): boolean => app.includes(state);
  if (init.includes('pending') || has('waiting') || has('unknown')) return 'Pending';
  if (has('running')) return 'Running';
  if (app.length === 0) return 'Pending';
  if (spec.restartPolicy === 'Always') return 'Running'; // all on their way to being restarted
  if (app.every((state) => state === 'succeeded')) return 'Succeeded';
  return spec.restartPolicy === 'Never' ? 'Failed' : 'Running';
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
