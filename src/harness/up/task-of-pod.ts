import type { Resource, TaskInfo } from '../../mesos/index.ts';
import { parseQuantity, podNeed, toBytes, toMilli, type Container, type Pod } from '../../pod/index.ts';

/** What a pod without requests is accounted with, as kube-mesos-framework did: 0.25 cpus, 64 MB. */
const DEFAULT_CPU_MILLI = 250n;
const DEFAULT_MEMORY_BYTES = 64n << 20n;

/** The id of the task that runs a pod: its UID, so that the same pod is never two tasks. */
export function taskIdOf(pod: Pod): string {
  const uid = pod.metadata?.uid;
  if (uid === undefined) throw new TypeError('a pod of the API has a UID');
  return uid;
}

/** The task with which a framework launches a pod: the pod as JSON in `data`, resources from its requests. */
export function taskOfPod(pod: Pod, agentId: string): TaskInfo {
  const { name, namespace } = pod.metadata ?? {};
  return {
    name: `${name}.${namespace}.pods`,
    task_id: { value: taskIdOf(pod) },
    agent_id: { value: agentId },
    resources: resourcesOfPod(pod),
    data: Buffer.from(JSON.stringify({ ...pod, apiVersion: 'v1', kind: 'Pod' })),
  };
}

/**
 * What the scheduler would set aside for the pod: the sum over its containers and sidecars, or what its greediest init container wants if
 * that is more (Kubernetes v1.20 pkg/scheduler/framework/plugins/noderesources). An unreadable quantity counts as none: to refuse the
 * pod is the executor's part.
 */
export function resourcesOfPod(pod: Pod): Resource[] {
  const cpuMilli = request(pod, 'cpu', (text) => toMilli(parseQuantity(text))) || DEFAULT_CPU_MILLI;
  const memoryBytes = request(pod, 'memory', (text) => toBytes(parseQuantity(text))) || DEFAULT_MEMORY_BYTES;
  return [scalar('cpus', Number(cpuMilli) / 1000), scalar('mem', Number(memoryBytes) / 2 ** 20)];
}

function request(pod: Pod, resource: 'cpu' | 'memory', read: (text: string) => bigint): bigint {
  const of = (container: Container): bigint => {
    const text = container.resources?.requests?.[resource] ?? container.resources?.limits?.[resource];
    try {
      return text === undefined ? 0n : read(String(text));
    } catch {
      return 0n;
    }
  };
  return podNeed({ ...pod.spec, containers: pod.spec?.containers ?? [] }, of);
}

/** A Mesos resource that is a number. */
export function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } };
}
