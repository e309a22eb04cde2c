import { LOST, stateOf } from './container-state.ts';
import { shouldStart, succeeded, type History } from './history.ts';
import type { ObservedContainer, ProbeResults, WaitingReason } from './observed.ts';
import { isSidecar, restartPolicyOf } from './sidecar.ts';
import type { Container, ContainerState, ContainerStatus, ValidPod } from './types.ts';

export interface ContainerStatusesInput {
  readonly pod: ValidPod;
  readonly history: History;
  readonly probes: ProbeResults;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly restartCounts: ReadonlyMap<string, number>;
  readonly terminating: boolean;
  readonly init: boolean;
  readonly previous: readonly ContainerStatus[];
}

/** All termination messages of a pod together have this room, bytes (Kubernetes v1.20 MaxPodTerminationMessageLogLength). */
const MESSAGE_BYTES = 12 * 1024;

/** `containerStatuses` (by name) or `initContainerStatuses` (in spec order). Kubernetes v1.20 kubelet_pods.go convertToAPIContainerStatuses. */
export function containerStatuses(input: ContainerStatusesInput): ContainerStatus[] {
  const { pod, init } = input;
  const containers = init ? (pod.spec.initContainers ?? []) : pod.spec.containers;
  const messageBytes = Math.floor(MESSAGE_BYTES / (pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0)));
  const previous = new Map(input.previous.map((s) => [s.name, s]));
  const statuses = containers.map((c) => statusOf(input, c, previous.get(c.name), messageBytes));
  return init ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function statusOf(
  input: ContainerStatusesInput,
  container: Container,
  previous: ContainerStatus | undefined,
  messageBytes: number,
): ContainerStatus {
  const instances = input.history.get(container.name) ?? [];
  const newest = instances[0];
  const seen = newest === undefined ? undefined : stateOf(newest, messageBytes);
  const state = seen ?? stateUnseen(input, newest, previous);
  const lastState = lastStateOf(input, instances, seen, previous, messageBytes);
  const moved = waitingState(input, container, newest, state, lastState);

  const restartCount = Math.max(newest?.attempt ?? 0, previous?.restartCount ?? 0, input.restartCounts.get(container.name) ?? 0);
  const keepsOld = newest === undefined && previous?.state?.terminated !== undefined;
  const id = newest === undefined ? (keepsOld ? previous?.containerID : undefined) : `docker://${newest.id}`;
  return {
    name: container.name,
    ...moved,
    ...readiness(input, container, newest, moved.state),
    restartCount,
    image: newest?.image ?? (keepsOld ? previous?.image : container.image) ?? '',
    imageID: newest?.imageId ?? (keepsOld ? previous?.imageID : '') ?? '',
    ...(id === undefined ? {} : { containerID: id }),
  };
}

/** The state of a container that is not there, only created, or of which nothing is known. */
function stateUnseen(input: ContainerStatusesInput, newest: ObservedContainer | undefined, previous: ContainerStatus | undefined): ContainerState {
  const old = previous?.state;
  if (newest === undefined && old?.terminated !== undefined) return old; // cleaned up since; how it ended stays known
  if (newest?.state === 'unknown' && previous !== undefined && old !== undefined) return old;
  if (newest === undefined && old?.running !== undefined && input.terminating) return { terminated: LOST };
  return { waiting: notBegun(input.pod) };
}

/** What a container waits for as long as nothing else is known. */
export function notBegun({ spec }: ValidPod): WaitingReason {
  return { reason: (spec.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating' };
}

/** How the instance before the newest ended; from the status before where Docker no longer has it. */
function lastStateOf(
  input: ContainerStatusesInput,
  instances: readonly ObservedContainer[],
  seen: ContainerState | undefined,
  previous: ContainerStatus | undefined,
  messageBytes: number,
): ContainerState {
  const [newest, second] = instances;
  const before = second === undefined ? undefined : stateOf(second, messageBytes);
  if (before?.terminated !== undefined) return before;
  if (newest !== undefined && previous?.containerID !== undefined && previous.containerID !== `docker://${newest.id}`) {
    if (previous.state?.terminated !== undefined) return { terminated: previous.state.terminated };
  }
  // One that ran and is gone without a trace counts as stopped, not as never started: the pod stays Running.
  const vanished = newest === undefined && previous?.state?.running !== undefined && !input.terminating;
  if (vanished && seen === undefined) return { terminated: LOST };
  const old = previous?.lastState ?? {};
  return newest !== undefined && old.terminated?.containerID === `docker://${newest.id}` ? {} : old;
}

/** A container that will be started again and waits for something shows what it waits for. */
function waitingState(
  input: ContainerStatusesInput,
  container: Container,
  newest: ObservedContainer | undefined,
  state: ContainerState,
  lastState: ContainerState,
): { state: ContainerState; lastState: ContainerState } {
  const reason = input.waiting.get(container.name);
  const passed = input.init && !isSidecar(container) && newest !== undefined && succeeded(newest);
  const willStart = !input.terminating && shouldStart(input.pod, container, newest) && !passed;
  if (reason === undefined || !willStart || (newest === undefined && finalBefore(input, container, state))) return { state, lastState };
  return { state: { waiting: { ...reason } }, lastState: state.terminated === undefined ? lastState : state };
}

/** An end that stands although Docker no longer has the container: it is not started again. */
function finalBefore(input: ContainerStatusesInput, container: Container, state: ContainerState): boolean {
  if (state.terminated === undefined) return false;
  const well = state.terminated.exitCode === 0;
  const policy = restartPolicyOf(input.pod, container);
  return policy === 'Never' || (well && (policy === 'OnFailure' || (input.init && !isSidecar(container))));
}

/** `ready` and `started`. Kubernetes v1.20 pkg/kubelet/prober/prober_manager.go UpdatePodStatus; sidecars as the regular ones, v1.29. */
function readiness(
  input: ContainerStatusesInput,
  container: Container,
  newest: ObservedContainer | undefined,
  state: ContainerState,
): { ready: boolean; started?: boolean } {
  if (input.init && !isSidecar(container)) return { ready: state.terminated?.exitCode === 0 };
  if (newest === undefined || state.running === undefined) return { ready: false, started: false };
  const { startup, readiness: ready } = input.probes;
  const started = startup.get(newest.id) ?? (container.startupProbe === undefined || container.startupProbe === null);
  const noProbe = container.readinessProbe === undefined || container.readinessProbe === null;
  return { ready: started && (ready.get(newest.id) ?? noProbe), started };
}
