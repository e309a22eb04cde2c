import type { PodSpec } from './types.ts';

/** What a pod may ask of its node. */
export interface NodeIdentity {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;
type NodeSelectorTerm = NonNullable<NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']>['nodeSelectorTerms'][number];
type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number];

/**
 * Whether the node has the labels of the pod's nodeSelector, and meets one term of its required node affinity at least. A term without
 * requirements is met by no node. Kubernetes v1.20 pkg/scheduler/framework/plugins/helper/node_affinity.go.
 */
export function wantsNode({ nodeSelector = {}, affinity }: PodSpec, node: NodeIdentity): boolean {
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return Object.entries(nodeSelector).every(([key, value]) => own(node.labels, key) === value)
    && (required === undefined || isSelected(node, required));
}

/** Whether the node meets one term of a node selector at least. */
export function isSelected(node: NodeIdentity, { nodeSelectorTerms }: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] }): boolean {
  return (nodeSelectorTerms ?? []).some((term) => meets(node, term));
}

function meets(node: NodeIdentity, { matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((requirement) => fits(own(node.labels, requirement.key), requirement))
    && matchFields.every((requirement) => requirement.key === 'metadata.name' && fits(node.name, requirement));
}

function fits(value: string | undefined, { operator, values = [] }: Requirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return compared(value, values, (a, b) => a > b);
    case 'Lt':
      return compared(value, values, (a, b) => a < b);
    default:
      return false;
  }
}

function compared(value: string | undefined, [bound, ...more]: readonly string[], holds: (a: bigint, b: bigint) => boolean): boolean {
  const whole = /^[+-]?\d{1,19}$/;
  if (value === undefined || bound === undefined || more.length > 0 || !whole.test(value) || !whole.test(bound)) return false;
  return holds(BigInt(value.replace(/^\+/, '')), BigInt(bound.replace(/^\+/, '')));
}

function own(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
