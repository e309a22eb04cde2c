import { isSidecar } from './sidecar.ts';
import type { ContainerStatus, PodSpec, PodStatus } from './types.ts';

/** How a pod that is over ended, in the words of Mesos. */
export interface PodOutcome {
  readonly state: 'TASK_FINISHED' | 'TASK_FAILED';
  /** Name of a `mesos.v1.TaskStatus.Reason`. */
  readonly reason?: string;
  readonly message: string;
}

/** `undefined` while the phase is not terminal. The message names each container that ended, as `kubectl describe` has it; how sidecars ended does not count. */
export function outcomeOf(status: PodStatus, { initContainers = [] }: Pick<PodSpec, 'initContainers'>): PodOutcome | undefined {
  const sidecars = initContainers.filter(isSidecar).map(({ name }) => name);
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].filter(({ name }) => !sidecars.includes(name));
  if (status.phase === 'Succeeded') {
    return { state: 'TASK_FINISHED', message: describe(status.containerStatuses ?? []) };
  }
  if (status.phase !== 'Failed') return undefined;
  const reason = status.reason === undefined ? reasonOfContainers(containers) : reasonOfPod(status.reason, status.message ?? '');
  const own = [status.reason, status.message].filter((t) => t !== undefined && t !== '').join(': ');
  const message = [own, describe(containers.filter((c) => endOf(c)?.exitCode !== 0))].filter((t) => t !== '').join('; ');
  return { state: 'TASK_FAILED', ...(reason === undefined ? {} : { reason }), message: message === '' ? 'the pod failed' : message };
}

function reasonOfPod(reason: string, message: string): string | undefined {
  if (reason === 'Evicted') {
    if (/\bmemory\b/.test(message)) return 'REASON_CONTAINER_LIMITATION_MEMORY';
    return /\b(ephemeral-storage|nodefs|imagefs|emptyDir)/i.test(message) ? 'REASON_CONTAINER_LIMITATION_DISK' : 'REASON_CONTAINER_LIMITATION';
  }
  // It never came up: no room, wrong node, or not in time.
  if (/^(OutOf|UnexpectedAdmissionError|NodeAffinity|LaunchTimeout)/.test(reason)) return 'REASON_CONTAINER_LAUNCH_FAILED';
  return undefined;
}

function reasonOfContainers(containers: readonly ContainerStatus[]): string | undefined {
  const reasons = containers.filter((c) => endOf(c)?.exitCode !== 0).map((c) => endOf(c)?.reason);
  if (reasons.includes('OOMKilled')) return 'REASON_CONTAINER_LIMITATION_MEMORY';
  return reasons.includes('ContainerCannotRun') ? 'REASON_CONTAINER_LAUNCH_FAILED' : undefined;
}

/** `container main: Error, exit code 3: boom; container side: ...`. */
function describe(containers: readonly ContainerStatus[]): string {
  return containers
    .flatMap((status) => {
      const end = endOf(status);
      if (end === undefined) return [];
      const message = end.message === undefined || end.message === '' ? '' : `: ${end.message.trim()}`;
      return [`container ${status.name}: ${end.reason ?? 'Error'}, exit code ${end.exitCode}${message}`];
    })
    .join('; ');
}

function endOf(status: ContainerStatus): { exitCode: number; reason?: string; message?: string } | undefined {
  return status.state?.terminated ?? (status.state?.waiting === undefined ? undefined : status.lastState?.terminated);
}
