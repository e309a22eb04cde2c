import type { V1Node } from '@kubernetes/client-node';
import { bytesQuantity, type Json } from '../pod/index.ts';

export type Node = Json<V1Node>;
type NodeStatus = NonNullable<Node['status']>;
type NodeCondition = NonNullable<NodeStatus['conditions']>[number];

/** What the node may give to pods: the Mesos agent's (or the executor's) resources. Memory and disk in bytes. */
export interface NodeCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly pods: number;
}

/** What runs on the machine. */
export interface NodeInfo {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** E.g. `docker://20.10.24`. */
  readonly containerRuntimeVersion: string;
  readonly kubeletVersion: string;
  /** As Go names it: `linux`. */
  readonly operatingSystem: string;
  /** As Go names it: `amd64`. */
  readonly architecture: string;
}

/** All that a Node object is made of. */
export interface NodeFacts {
  readonly name: string;
  /** `InternalIP`. */
  readonly hostIP: string;
  readonly hostname: string;
  /** What the operator wants beside the usual ones. */
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: NodeCapacity;
  readonly info: NodeInfo;
  /** Port of the node's API; absent while there is none. */
  readonly kubeletPort?: number;
}

/** Whether pods can run here, and why not. */
export type Readiness = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly message: string };

/** The Node to register, `now` in milliseconds (Kubernetes v1.20 pkg/kubelet/kubelet_node_status.go). */
export function nodeObject(facts: NodeFacts, readiness: Readiness, now: number): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: facts.name, labels: nodeLabels(facts) },
    spec: {},
    status: nodeStatus(facts, readiness, now),
  };
}

type LabelFacts = Pick<NodeFacts, 'hostname' | 'labels'> & { readonly info: Pick<NodeInfo, 'architecture' | 'operatingSystem'> };

/** The labels that we want on the node; others may have more. */
export function nodeLabels({ hostname, info, labels }: LabelFacts): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': info.architecture,
    'beta.kubernetes.io/os': info.operatingSystem,
    'kubernetes.io/arch': info.architecture,
    'kubernetes.io/hostname': hostname,
    'kubernetes.io/os': info.operatingSystem,
    ...labels,
  };
}

/** Our part of the status. The conditions keep the transition times of `previous`, the conditions of the node as it stands. */
export function nodeStatus(facts: NodeFacts, readiness: Readiness, now: number, previous: readonly NodeCondition[] = []): NodeStatus {
  const { info, capacity } = facts;
  const resources = {
    cpu: cpuQuantity(capacity.cpus),
    'ephemeral-storage': bytesQuantity(capacity.diskBytes),
    memory: bytesQuantity(capacity.memoryBytes),
    pods: String(capacity.pods),
  };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: facts.hostIP },
      { type: 'Hostname', address: facts.hostname },
    ],
    conditions: conditions(readiness, now, previous),
    ...(facts.kubeletPort !== undefined && { daemonEndpoints: { kubeletEndpoint: { Port: facts.kubeletPort } } }),
    nodeInfo: {
      machineID: info.machineId,
      systemUUID: info.systemUuid,
      bootID: info.bootId,
      kernelVersion: info.kernelVersion,
      osImage: info.osImage,
      containerRuntimeVersion: info.containerRuntimeVersion,
      kubeletVersion: info.kubeletVersion,
      kubeProxyVersion: info.kubeletVersion,
      operatingSystem: info.operatingSystem,
      architecture: info.architecture,
    },
  };
}

/** True when `standing` (from the API) says something else than `wanted`, heartbeat times apart. */
export function statusDiffers(standing: NodeStatus | undefined, wanted: NodeStatus): boolean {
  const same = (a: object | undefined, b: object | undefined): boolean =>
    Object.entries(b ?? {}).every(([key, value]) => (a as Record<string, unknown> | undefined)?.[key] === value);
  if (standing === undefined) return true;
  return !(
    same(standing.capacity, wanted.capacity) &&
    same(standing.allocatable, wanted.allocatable) &&
    same(standing.nodeInfo, wanted.nodeInfo) &&
    same(standing.daemonEndpoints?.kubeletEndpoint, wanted.daemonEndpoints?.kubeletEndpoint) &&
    (wanted.addresses ?? []).every((address) => standing.addresses?.some((other) => same(other, address)) === true) &&
    (wanted.conditions ?? []).every(({ type, status, reason, message }) => standing.conditions?.some((other) => same(other, { type, status, reason, message })) === true)
  );
}

/** The labels that `node` lacks or has otherwise than we want; undefined: none. */
export function missingLabels(node: Node, facts: NodeFacts): Record<string, string> | undefined {
  const missing = Object.entries(nodeLabels(facts)).filter(([key, value]) => node.metadata?.labels?.[key] !== value);
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}

function conditions(readiness: Readiness, now: number, previous: readonly NodeCondition[]): NodeCondition[] {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const before = previous.find((other) => other.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
    return { type, status, lastHeartbeatTime: time, lastTransitionTime, reason, message };
  };
  return [
    condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    readiness.ok
      ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', 'False', readiness.reason, readiness.message),
  ];
}

/** Canonical quantity of (fractional) CPUs, rounded down to thousandths: `4`, `3500m`. */
function cpuQuantity(cpus: number): string {
  const milli = Math.floor(cpus * 1000 + 1e-6);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}
