import { KmError } from '../../base/index.ts';
import type { ContainerStatus, PodStatus } from '../../pod/index.ts';
import type { NodePod } from './node-pods.ts';

/**
 * The Engine's id of the container whose log is meant: the running one, else the last that ended; the one before it with `previous`.
 * Throws code `not-found` for a container that the pod does not have and code `invalid` while there is no log, in the kubelet's
 * words (Kubernetes v1.20 pkg/kubelet/server/server.go getContainerLogs, kubelet_pods.go validateContainerLogStatus).
 */
export function logContainerId({ pod, status }: NodePod, container: string, previous: boolean): string {
  const { name } = pod.metadata;
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)}`;
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  if (![...containers, ...initContainers, ...ephemeralContainers].some((one) => one.name === container)) {
    throw new KmError('not-found', `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`);
  }
  const found = statusOf(status, container);
  if (found === undefined) throw new KmError('invalid', `${where} is not available`);
  const ended = found.lastState?.terminated;
  const { running, terminated, waiting } = found.state ?? {};
  if (previous) return idOf(ended?.containerID, `previous terminated ${where} not found`);
  if (running !== undefined) return idOf(found.containerID, `${where} is not available`);
  // Where the next one did not start, only the last one has an id.
  if (terminated !== undefined) return idOf(terminated.containerID ?? ended?.containerID, `${where} is terminated`);
  if (ended !== undefined) return idOf(ended.containerID, `${where} is terminated`);
  throw new KmError('invalid', `${where} is waiting to start${waiting === undefined ? ' - no logs yet' : `: ${waitingFor(waiting.reason)}`}`);
}

function statusOf(status: PodStatus | undefined, container: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = status ?? {};
  return [containerStatuses, initContainerStatuses, ephemeralContainerStatuses].flatMap((all) => all.filter(({ name }) => name === container))[0];
}

function waitingFor(reason = ''): string {
  if (reason === 'ErrImagePull') return "image can't be pulled";
  return reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason;
}

/** `docker://<id>` without what stands before the id. */
function idOf(containerId: string | undefined, otherwise: string): string {
  if (containerId === undefined || containerId === '') throw new KmError('invalid', otherwise);
  return containerId.replace(/^[a-z]+:\/\//, '');
}
