import { podConditions } from './conditions.ts';
import { containerStatuses, type ContainerStatusesInput } from './container-statuses.ts';
import { historyOf, newestSandbox } from './history.ts';
import type { ObservedPod, ProbeResults, WaitingReason } from './observed.ts';
import { isTerminal, podPhase, type PodPhase } from './phase.ts';
import { qosClass } from './resources.ts';
import { toTime } from './times.ts';
import type { ContainerStatus, PodStatus, ValidPod } from './types.ts';

export interface PodStatusInput {
  readonly pod: ValidPod;
  readonly observed: ObservedPod;
  /** The status before: what we reported last, or what the API holds. */
  readonly previous?: PodStatus;
  readonly probes: ProbeResults;
  /** Why a container is not running, by container name. */
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the pod was accepted, milliseconds since the epoch: its start, whatever was reported since. */
  readonly acceptedAt: number;
  /** Empty where the node's address is not known. */
  readonly hostIP: string;
  /** Highest attempt that ever existed, by container name. */
  readonly restartCounts: ReadonlyMap<string, number>;
  /** Something other than its containers ended the pod (admission, deadline, eviction, a kill by Mesos): phase Failed. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** The pod is being killed: nothing is started again, and a container that ran and is gone has ended. */
  readonly terminating?: boolean;
  /** The API asks for other resources than the containers have, and why they keep theirs. */
  readonly resizeRefused?: string;
}

/**
 * The whole `Pod.status` to report. Three things never move once `previous` has them: a terminal phase (with its reason and
 * message), `startTime`, and a restart count downwards. Kubernetes v1.20 pkg/kubelet/kubelet_pods.go generateAPIPodStatus,
 * pkg/kubelet/status/status_manager.go updateStatusInternal.
 */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observed, previous, now, hostIP } = input;
  const terminating = input.terminating === true || input.failure !== undefined || isTerminal(previous?.phase);
  const common = { ...input, history: historyOf(observed), terminating };
  const init = containerStatuses({ ...common, init: true, previous: previous?.initContainerStatuses ?? [] });
  const app = containerStatuses({ ...common, init: false, previous: previous?.containerStatuses ?? [] });
  const ephemeral = ephemeralStatuses(common);
  const end = phaseOf(input, podPhase(pod.spec, { init, app }));
  const conditions = podConditions({ spec: pod.spec, phase: end.phase, init, app, previous: previous?.conditions ?? [], now, resizeRefused: input.resizeRefused });
  const ips = podIPs(input);
  return {
    ...end,
    conditions,
    ...(hostIP === '' ? {} : { hostIP }),
    ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: previous?.startTime ?? toTime(input.acceptedAt),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: app,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: previous?.qosClass ?? qosClass(pod),
  };
}

/** Like those of a pod that never restarts anything; none of them is ever ready. They count for neither phase nor conditions. */
function ephemeralStatuses(input: Omit<ContainerStatusesInput, 'init' | 'previous'> & Pick<PodStatusInput, 'previous'>): ContainerStatus[] {
  const { spec } = input.pod;
  const containers = spec.ephemeralContainers ?? [];
  if (containers.length === 0) return [];
  const pod: ValidPod = { ...input.pod, spec: { ...spec, restartPolicy: 'Never', containers } };
  const statuses = containerStatuses({ ...input, pod, init: false, previous: input.previous?.ephemeralContainerStatuses ?? [] });
  return statuses.map(({ started: _started, ...status }) => ({ ...status, ready: false }));
}

function phaseOf(input: PodStatusInput, computed: PodPhase): { phase: PodPhase; reason?: string; message?: string } {
  const { previous, failure } = input;
  if (isTerminal(previous?.phase)) {
    const { phase, reason, message } = previous;
    return { phase, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
  }
  return failure === undefined ? { phase: computed } : { phase: 'Failed', reason: failure.reason, message: failure.message };
}

/** The addresses of the newest sandbox; the last known ones stay with a pod whose sandboxes have all ended. */
function podIPs({ pod, observed, previous, hostIP }: PodStatusInput): string[] {
  const sandbox = newestSandbox(observed);
  if (pod.spec.hostNetwork === true) return hostIP === '' ? [] : [hostIP];
  if (sandbox?.state === 'running' && sandbox.ips !== undefined && sandbox.ips.length > 0) return [...sandbox.ips];
  if (observed.sandboxes.some((s) => s.state === 'running')) return [];
  const known = (previous?.podIPs ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
  return known.length > 0 || previous?.podIP === undefined ? known : [previous.podIP];
}
