import type { KubernetesObject } from './types.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** What every cluster has before anybody makes anything. */
export function initialObjects(): KubernetesObject[] {
  return [
    ...NAMESPACES.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    priorityClass('system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'),
    priorityClass('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
  ];
}

/** What a new namespace gets from the controllers. */
export function namespaceContent(namespace: string): KubernetesObject[] {
  return [{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }];
}

function priorityClass(name: string, value: number, description: string): KubernetesObject {
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description, preemptionPolicy: 'PreemptLowerPriority' };
}
