import { parseAllDocuments } from 'yaml';
import { isCode, KmError } from '../../base/index.ts';
import type { KubernetesClient, KubeObject } from '../../kubernetes/index.ts';

/** Kinds of the API that live in no namespace, as far as somebody puts them beside a pod. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set(['Namespace', 'Node', 'PersistentVolume', 'ClusterRole', 'ClusterRoleBinding', 'PriorityClass', 'StorageClass']);

type Manifest = KubeObject & { apiVersion: string; kind: string; metadata: NonNullable<KubeObject['metadata']>; items?: unknown };

/**
 * The objects of YAML or JSON texts, with several documents and `List`s taken apart. Throws code `invalid` naming the document
 * (`source` says where the text is from).
 */
export function readManifests(text: string, source: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document, index) => {
    const fault = (what: string): KmError => new KmError('invalid', `${source}, document ${index + 1}: ${what}`);
    if (document.errors[0] !== undefined) throw fault(document.errors[0].message.split('\n')[0] ?? 'no YAML');
    return objectsIn(document.toJS(), fault);
  });
}

function objectsIn(value: unknown, fault: (what: string) => KmError): Manifest[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || Array.isArray(value)) throw fault('want a Kubernetes object');
  const object = value as Partial<Manifest>;
  if (typeof object.apiVersion !== 'string' || typeof object.kind !== 'string') throw fault('apiVersion and kind are required');
  if (object.kind === 'List' && Array.isArray(object.items)) return object.items.flatMap((item) => objectsIn(item, fault));
  if (object.metadata === undefined) throw fault('metadata is required');
  return [object as Manifest];
}

/** Creates the objects in their order; one that exists already is left as it is. Throws `KubernetesError`. */
export async function createManifests(client: KubernetesClient, objects: readonly KubeObject[], signal?: AbortSignal): Promise<void> {
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object as Manifest;
    const namespace = CLUSTER_WIDE.has(kind) ? undefined : (metadata.namespace ?? client.access.namespace);
    const resource = { apiVersion, resource: plural(kind), ...(namespace !== undefined && { namespace }) };
    try {
      await client.create(resource, object, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!isCode(error, 'conflict')) throw error;
    }
  }
}

/** As the API's own resources are named: `pods`, `networkpolicies`, `ingresses`, `endpoints`. */
function plural(kind: string): string {
  const name = kind.toLowerCase();
  if (name === 'endpoints') return name;
  if (/(s|x|ch|sh)$/.test(name)) return `${name}es`;
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}
