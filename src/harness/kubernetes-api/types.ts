/** An object of the Kubernetes API as it stands in JSON. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** The part of `metadata` that the API itself reads and writes; everything else is kept as it is. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: unknown[];
  [field: string]: unknown;
}

/** Which collection, or with a name which object. `group` is `''` for core, `resource` the plural (`pods`). */
export interface ResourceKey {
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
}

export interface ObjectKey extends ResourceKey {
  readonly name: string;
}

/** One request as it was answered; for a watch or another stream, as it was begun. */
export interface ApiRequest {
  /** When it arrived, milliseconds since the epoch. */
  readonly time: number;
  readonly method: string;
  /** Path with its query. */
  readonly path: string;
  /** HTTP status of the answer. */
  readonly status: number;
  /** `User-Agent` of the client; empty where it sent none. */
  readonly userAgent: string;
  /** The body as it was sent, parsed where it is JSON or YAML; absent without one. Values of secrets are not in it. */
  readonly body?: unknown;
}

export interface ApiChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubernetesObject;
}
