import { KmError } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { ClusterAccess } from './access.ts';
import type { KubeObject, NamedResource, Resource } from './object.ts';

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole request; 30 s unless told. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends RequestOptions {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ObjectList<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Token for the next page; absent on the last. */
  readonly continue?: string;
}

export interface DeleteOptions extends RequestOptions {
  readonly gracePeriodSeconds?: number;
  /** Only the object with this UID. */
  readonly uid?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface SubresourceOptions extends RequestOptions {
  readonly subresource?: string;
}

/** How a patch is meant; `json` takes an array of RFC 6902 operations. */
export type PatchType = 'strategic' | 'merge' | 'json';

/** All methods throw `KubernetesError`. */
export class KubernetesClient {
  readonly access: ClusterAccess;

  constructor(options: { access: ClusterAccess; logger: Logger; userAgent?: string; qps?: number; burst?: number }) {
    this.access = options.access;
  }

  async get<T = KubeObject>(_what: NamedResource, _options?: SubresourceOptions): Promise<T> {
    throw new KmError('internal', 'not there yet');
  }

  async list<T = KubeObject>(_what: Resource, _options?: ListOptions): Promise<ObjectList<T>> {
    throw new KmError('internal', 'not there yet');
  }

  /** POST to the collection; with `name` and `subresource` to that (binding, eviction, token). */
  async create<T = KubeObject>(_what: Resource & { readonly name?: string }, _body: object, _options?: SubresourceOptions): Promise<T> {
    throw new KmError('internal', 'not there yet');
  }

  async replace<T = KubeObject>(_what: NamedResource, _body: object, _options?: SubresourceOptions): Promise<T> {
    throw new KmError('internal', 'not there yet');
  }

  async patch<T = KubeObject>(_what: NamedResource, _type: PatchType, _body: object, _options?: SubresourceOptions): Promise<T> {
    throw new KmError('internal', 'not there yet');
  }

  async delete(_what: NamedResource, _options?: DeleteOptions): Promise<KubeObject> {
    throw new KmError('internal', 'not there yet');
  }

  /** Ends all requests and watches and closes all connections. */
  async close(): Promise<void> {
    throw new KmError('internal', 'not there yet');
  }
}
