import type { NodePod, NodePods } from '../containers/node-pods.ts';

/** The pods of this node, to look one up or to list them. */
export interface AllPods extends NodePods {
  all(): readonly NodePod[];
}
