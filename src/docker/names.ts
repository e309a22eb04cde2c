import type { ValidPod } from '../pod/index.ts';

/** Names of our containers, as the kubelet's (Kubernetes v1.20 pkg/kubelet/dockershim/naming.go). */
const PREFIX = 'k8s';
export const SANDBOX_CONTAINER_NAME = 'POD';

export interface ParsedName {
  /** Name of the container in the pod; `POD` for a sandbox. */
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
}

/** The same for the same attempt of the same container: Docker itself refuses to make it twice. */
export function containerName(pod: ValidPod, container: string, attempt: number): string {
  const { name, namespace, uid } = pod.metadata;
  return [PREFIX, container, name, namespace, uid, String(attempt)].join('_');
}

export function sandboxName(pod: ValidPod, attempt: number): string {
  return containerName(pod, SANDBOX_CONTAINER_NAME, attempt);
}

/** `undefined` for a name that is none of ours. Takes names as the Engine gives them, with a leading slash, and suffixed ones. */
export function parseContainerName(name: string): ParsedName | undefined {
  const [prefix, container, pod, namespace, uid, attempt, suffix, ...rest] = name.replace(/^\//, '').split('_');
  if (prefix !== PREFIX || rest.length > 0 || suffix === '' || attempt === undefined || !/^\d{1,9}$/.test(attempt)) return undefined;
  if (!container || !pod || !namespace || !uid) return undefined;
  return { container, pod, namespace, uid, attempt: Number(attempt) };
}
