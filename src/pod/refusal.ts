/** Why a pod cannot be on this node, in the kubelet's words: `OutOfcpu`, and what `kubectl describe` shows. */
export interface Refusal {
  readonly reason: string;
  readonly message: string;
}
