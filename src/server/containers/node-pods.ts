import type { ObservedPod, PodStatus, ValidPod } from '../../pod/index.ts';

/** A pod of this node: what it shall be, what was told of it, and its containers as Docker shows them. */
export interface NodePod {
  readonly pod: ValidPod;
  readonly status: PodStatus | undefined;
  readonly observed: ObservedPod;
}

/** Where the pods of this node are looked up. */
export interface NodePods {
  /** The pod of that name; `undefined` without one. */
  find(namespace: string, name: string): NodePod | undefined;
}
