import type { PodIdentity } from '../pod/index.ts';

/** Any API object as it stands in JSON. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: KubeMetadata;
}

export interface KubeMetadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** What kind of thing, and where: enough for the path of a collection. */
export interface Resource {
  /** `v1` or `group/version`. */
  readonly apiVersion: string;
  /** Lower-case plural, as in the path: `pods`. */
  readonly resource: string;
  /** Absent for things without a namespace, or for all namespaces. */
  readonly namespace?: string;
}

/** One thing of a resource. */
export interface NamedResource extends Resource {
  readonly name: string;
}

export const pods = (namespace?: string): Resource => ({ apiVersion: 'v1', resource: 'pods', ...(namespace !== undefined && { namespace }) });

export const podResource = (pod: Pick<PodIdentity, 'namespace' | 'name'>): NamedResource => ({
  apiVersion: 'v1',
  resource: 'pods',
  namespace: pod.namespace,
  name: pod.name,
});

/** Path of a collection or of a thing in it, without the query. */
export function pathOf(resource: Resource & { readonly name?: string }, subresource?: string): string {
  const group = resource.apiVersion.includes('/') ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const namespace = resource.namespace === undefined ? '' : `/namespaces/${encodeURIComponent(resource.namespace)}`;
  const name = resource.name === undefined ? '' : `/${encodeURIComponent(resource.name)}`;
  return `${group}${namespace}/${resource.resource}${name}${subresource === undefined ? '' : `/${subresource}`}`;
}
