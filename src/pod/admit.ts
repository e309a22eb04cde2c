import { forbiddenSysctl, noAppArmor } from './admit-security.ts';
import { hostPortTaken } from './host-ports.ts';
import { type NodeIdentity, wantsNode } from './node-affinity.ts';
import { podNeed } from './pod-need.ts';
import { toBytes, toMilli } from './quantity.ts';
import type { Refusal } from './refusal.ts';
import { quantityOf } from './resources.ts';
import type { ValidPod } from './types.ts';

/** What all pods of the node together may request. Absent: not known, and not looked at. */
export interface Allocatable {
  readonly pods: number;
  readonly cpuMilli?: bigint;
  readonly memoryBytes?: bigint;
  readonly ephemeralStorageBytes?: bigint;
}

export interface AdmissionInput {
  readonly pod: ValidPod;
  /** The other pods of the node that are not over. */
  readonly others: readonly ValidPod[];
  readonly allocatable: Allocatable;
  /** Absent: not known, and not looked at. */
  readonly node: NodeIdentity | undefined;
  /** Sysctls that pods may have beside the safe ones: names, and beginnings with `*`. */
  readonly allowedUnsafeSysctls?: readonly string[];
  /** The AppArmor profiles that are loaded, or why there are none. Absent: not looked at. */
  readonly appArmor?: ReadonlySet<string> | string;
}

/** Each says why the pod cannot be here, if it cannot; the first that does is told. */
const CHECKS: readonly ((input: AdmissionInput) => Refusal | undefined)[] = [lacking, elsewhere, portTaken, forbiddenSysctl, noAppArmor];

/** Why the pod cannot run on this node; `undefined` when it can. Kubernetes v1.20 pkg/kubelet/lifecycle/predicate.go. */
export function refusalOf(input: AdmissionInput): Refusal | undefined {
  for (const check of CHECKS) {
    const refusal = check(input);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** Kubernetes v1.20 pkg/scheduler/framework/plugins/noderesources/fit.go Fits. */
function lacking({ pod, others, allocatable }: AdmissionInput): Refusal | undefined {
  const { pods, cpuMilli, memoryBytes, ephemeralStorageBytes } = allocatable;
  if (others.length + 1 > pods) return outOf('pods', 1n, BigInt(others.length), BigInt(pods));
  const capacity: Readonly<Record<Resource, bigint | undefined>> = { cpu: cpuMilli, memory: memoryBytes, 'ephemeral-storage': ephemeralStorageBytes };
  const wanted = RESOURCES.map((name) => ({ name, requested: podRequest(pod, name) }));
  for (const { name, requested } of wanted) {
    const most = capacity[name];
    if (requested === 0n || most === undefined) continue;
    const used = others.reduce((sum, other) => sum + podRequest(other, name), 0n);
    if (used + requested > most) return outOf(name, requested, used, most);
  }
  return undefined;
}

const RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const;
type Resource = (typeof RESOURCES)[number];

/** What the whole pod requests, thousandths of a CPU or bytes. */
export function podRequest({ spec }: Pick<ValidPod, 'spec'>, resource: Resource): bigint {
  const whole = resource === 'cpu' ? toMilli : toBytes;
  return podNeed(spec, (container) => whole(quantityOf(container, 'requests', resource)));
}

function outOf(resource: string, requested: bigint, used: bigint, capacity: bigint): Refusal {
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` };
}

function elsewhere({ pod, node }: AdmissionInput): Refusal | undefined {
  return node === undefined || wantsNode(pod.spec, node) ? undefined : { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' };
}

function portTaken({ pod, others }: AdmissionInput): Refusal | undefined {
  return hostPortTaken(pod, others) ? { reason: 'NodePorts', message: 'Predicate NodePorts failed' } : undefined;
}
