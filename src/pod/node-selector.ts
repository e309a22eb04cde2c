import type { PersistentVolume } from './types.ts';

type NodeSelector = NonNullable<NonNullable<NonNullable<PersistentVolume['spec']>['nodeAffinity']>['required']>;
type Term = NodeSelector['nodeSelectorTerms'][number];
type Requirement = NonNullable<Term['matchExpressions']>[number];

/**
 * Whether a node is one that a selector means: one of its terms holds, and a term all of whose parts hold, does. A term without parts
 * means no node. Kubernetes v1.20 staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
 */
export function nodeMatches(selector: NodeSelector, node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }): boolean {
  return selector.nodeSelectorTerms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false;
    const fields = { 'metadata.name': node.name };
    return matchExpressions.every((one) => holds(one, node.labels)) && matchFields.every((one) => holds(one, fields));
  });
}

function holds({ key, operator, values = [] }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
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
    case 'Lt': {
      const [mine, other] = [integer(value), integer(values[0])];
      if (mine === undefined || other === undefined) return false;
      return operator === 'Gt' ? mine > other : mine < other;
    }
    default:
      return false;
  }
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
}
