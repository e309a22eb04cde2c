import { type ContainerState, type ContainerStatus, type Pod, sidecarsOf } from '../../pod/index.ts';

/** The columns READY, STATUS and RESTARTS of `kubectl get pods` in one text: `1/1 Running 0`. */
export function podSummary(pod: Pod): string {
  const sidecars = namesOfSidecars(pod);
  const statuses = [...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)), ...(pod.status?.containerStatuses ?? [])];
  const ready = statuses.filter((status) => status.ready).length;
  const restarts = statuses.reduce((sum, status) => sum + status.restartCount, 0);
  return `${ready}/${(pod.spec?.containers.length ?? 0) + sidecars.size} ${word(pod, sidecars)} ${restarts}`;
}

function namesOfSidecars({ spec }: Pod): ReadonlySet<string> {
  return new Set(spec === undefined ? [] : sidecarsOf(spec).map(({ name }) => name));
}

/** As the API server's table words it (Kubernetes v1.20 pkg/printers/internalversion/printers.go, printPod). */
function word(pod: Pod, sidecars: ReadonlySet<string>): string {
  if (pod.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  const inits = pod.status?.initContainerStatuses ?? [];
  const isPassed = ({ name, state, started }: ContainerStatus): boolean => state?.terminated?.exitCode === 0 || (sidecars.has(name) && started === true);
  const open = inits.findIndex((status) => !isPassed(status));
  // A sidecar that is started again does not make the pod look as if it began.
  const initialized = pod.status?.conditions?.some(({ type, status }) => type === 'Initialized' && status === 'True') ?? false;
  if (open >= 0 && !initialized) {
    const reason = reasonOf(inits[open]?.state);
    return reason === undefined || reason === 'PodInitializing' ? `Init:${open}/${pod.spec?.initContainers?.length ?? 0}` : `Init:${reason}`;
  }
  const reasons = (pod.status?.containerStatuses ?? []).map((status) => reasonOf(status.state)).filter((reason) => reason !== undefined);
  return reasons[0] ?? pod.status?.reason ?? pod.status?.phase ?? 'Pending';
}

function reasonOf(state: ContainerState | undefined): string | undefined {
  if (state?.waiting !== undefined) return state.waiting.reason;
  if (state?.terminated === undefined) return undefined;
  const { reason, signal, exitCode } = state.terminated;
  return reason ?? (signal !== undefined && signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}
