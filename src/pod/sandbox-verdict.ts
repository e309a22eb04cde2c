import { newestSandbox } from './history.ts';
import type { ObservedContainer, ObservedPod } from './observed.ts';
import type { ValidPod } from './types.ts';

export type SandboxVerdict =
  | { readonly kind: 'good'; readonly sandbox: ObservedContainer }
  /** None, dead, one too many, or not the network the pod wants. */
  | { readonly kind: 'needed'; readonly attempt: number }
  /** We cannot tell now whether there is one: do nothing. */
  | { readonly kind: 'unknown' };

/** Kubernetes v1.20 pkg/kubelet/kuberuntime/kuberuntime_manager.go podSandboxChanged. */
export function sandboxVerdict(pod: ValidPod, observed: ObservedPod): SandboxVerdict {
  const newest = newestSandbox(observed);
  if (newest === undefined) return { kind: 'needed', attempt: 0 };
  const needed = { kind: 'needed', attempt: newest.attempt + (newest.state === 'created' ? 0 : 1) } as const;
  if (newest.state === 'unknown') return { kind: 'unknown' };
  if (newest.state !== 'running') return needed;
  if (observed.sandboxes.filter((s) => s.state === 'running').length > 1) return needed;
  const hostNetwork = pod.spec.hostNetwork === true;
  if (newest.hostNetwork !== undefined && newest.hostNetwork !== hostNetwork) return needed;
  if (!hostNetwork && (newest.ips ?? []).length === 0) return needed;
  return { kind: 'good', sandbox: newest };
}
