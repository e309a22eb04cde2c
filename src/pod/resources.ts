import { compareQuantities, toBytes, toMilli, tryParseQuantity, type Quantity } from './quantity.ts';
import { isSidecar } from './sidecar.ts';
import type { Container, ValidPod } from './types.ts';

/** What goes into a container's cgroup. */
export interface ContainerResources {
  readonly cpuShares: number;
  /** Microseconds a period; absent without a limit. */
  readonly cpuQuota?: number;
  /** Microseconds; there when `cpuQuota` is. */
  readonly cpuPeriod?: number;
  /** Absent without a limit. */
  readonly memoryBytes?: bigint;
}

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const SHARES_A_CPU = 1024n;
const LEAST_SHARES = 2;
const PERIOD_US = 100_000;
const LEAST_QUOTA_US = 1000;
/** The kernel takes no more (cgroup v1 cpu.shares). */
const MOST_SHARES = 262_144;

const GUARANTEED_OOM_SCORE_ADJ = -997;
const BEST_EFFORT_OOM_SCORE_ADJ = 1000;
/** Priority from which on a pod is critical to the node (system-cluster-critical). */
const CRITICAL_PRIORITY = 2_000_000_000;

/** Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_container_linux.go, helpers_linux.go. */
export function containerResources(container: Container): ContainerResources {
  const cpuLimit = toMilli(quantityOf(container, 'limits', 'cpu'));
  const cpuRequest = toMilli(quantityOf(container, 'requests', 'cpu'));
  const memory = toBytes(quantityOf(container, 'limits', 'memory'));
  const shares = Number(((cpuRequest === 0n ? cpuLimit : cpuRequest) * SHARES_A_CPU) / 1000n);
  const quota = Number((cpuLimit * BigInt(PERIOD_US)) / 1000n);
  return {
    cpuShares: Math.min(Math.max(shares, LEAST_SHARES), MOST_SHARES),
    ...(cpuLimit === 0n ? {} : { cpuQuota: Math.max(quota, LEAST_QUOTA_US), cpuPeriod: PERIOD_US }),
    ...(memory === 0n ? {} : { memoryBytes: memory }),
  };
}

/** -997 to 1000: the higher, the sooner the kernel kills. Kubernetes v1.20 pkg/kubelet/qos/policy.go. */
export function oomScoreAdj(pod: ValidPod, container: Container, nodeMemoryBytes: bigint): number {
  const qos = qosClass(pod);
  if (isCritical(pod) || qos === 'Guaranteed') return GUARANTEED_OOM_SCORE_ADJ;
  if (qos === 'BestEffort' || nodeMemoryBytes <= 0n) return BEST_EFFORT_OOM_SCORE_ADJ;
  const own = toBytes(quantityOf(container, 'requests', 'memory'));
  // A sidecar is not killed before the containers that it serves (Kubernetes v1.33 pkg/kubelet/qos).
  const served = isSidecar(container) ? pod.spec.containers.map((one) => toBytes(quantityOf(one, 'requests', 'memory'))) : [];
  const least = served.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined) ?? 0n;
  const request = own > least ? own : least;
  const score = 1000 - Number((1000n * request) / nodeMemoryBytes);
  return Math.min(Math.max(score, 1000 + GUARANTEED_OOM_SCORE_ADJ), BEST_EFFORT_OOM_SCORE_ADJ - 1);
}

/** Kubernetes v1.20 pkg/apis/core/v1/helper/qos. */
export function qosClass(pod: Pick<ValidPod, 'spec'>): QosClass {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  let anything = false;
  let guaranteed = true;
  for (const container of containers) {
    for (const resource of ['cpu', 'memory'] as const) {
      const request = quantityOf(container, 'requests', resource);
      const limit = quantityOf(container, 'limits', resource);
      if (request.nano > 0n || limit.nano > 0n) anything = true;
      if (limit.nano <= 0n || compareQuantities(request, limit) !== 0) guaranteed = false;
    }
  }
  if (!anything) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Zero where it is not set. */
export function quantityOf(container: Container, kind: 'requests' | 'limits', resource: string): Quantity {
  const text = container.resources?.[kind]?.[resource];
  return (text === undefined ? undefined : tryParseQuantity(text)) ?? ZERO;
}

const ZERO: Quantity = { nano: 0n, format: 'DecimalSI' };

/** Kubernetes v1.20 pkg/kubelet/types/pod_update.go IsCriticalPod: what the node itself lives on. */
export function isCritical(pod: Pick<ValidPod, 'metadata' | 'spec'>): boolean {
  const source = pod.metadata.annotations?.['kubernetes.io/config.source'];
  const isStatic = source !== undefined && source !== 'api';
  const isMirror = pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  return isStatic || isMirror || (pod.spec.priority ?? 0) >= CRITICAL_PRIORITY;
}
