import type { KillReason } from './action.ts';
import { lastingContainers } from './sidecar.ts';
import type { ValidPod } from './types.ts';

/**
 * How many seconds a container has that ends although its pod goes on: what the probe says for whose sake it ends, else the pod's
 * (Kubernetes v1.33 pkg/kubelet/kuberuntime setTerminationGracePeriod).
 */
export function killGraceSeconds({ spec }: ValidPod, name: string, why: KillReason): number {
  const container = lastingContainers(spec).find((one) => one.name === name);
  const probe = why === 'liveness' ? container?.livenessProbe : why === 'startup' ? container?.startupProbe : undefined;
  return probe?.terminationGracePeriodSeconds ?? spec.terminationGracePeriodSeconds;
}
