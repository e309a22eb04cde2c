import type { ContainerState, Pod } from '../../pod/index.ts';

/** The columns READY, STATUS and RESTARTS of `kubectl get pods` in one text: `1/1 Running 0`. */
export function podSummary(pod: Pod): string {
  const statuses = pod.status?.containerStatuses ?? [];
  const ready = statuses.filter((status) => status.ready).length;
  const restarts = statuses.reduce((sum, status) => sum + status.restartCount, 0);
  return `${ready}/${pod.spec?.containers.length ?? 0} ${word(pod)} ${restarts}`;
}

/** As the API server's table words it (Kubernetes v1.20 pkg/printers/internalversion/printers.go, printPod). */
function word(pod: Pod): string {
  if (pod.metadata?.deletionTimestamp !== undefined) return 'Terminating';
  const inits = pod.status?.initContainerStatuses ?? [];
  const open = inits.findIndex((status) => status.state?.terminated?.exitCode !== 0);
  if (open >= 0) {
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
