import type { Clock } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiChange, ApiRequest, KubernetesObject, ObjectKey, ResourceKey } from './types.ts';

/** Answers a request that belongs to a node (`log`, `exec`, `attach`, `portforward` of a pod). */
export type NodeProxy = (pod: KubernetesObject, subresource: string, request: IncomingMessage, response: ServerResponse) => void;

export interface EmbeddedApiOptions {
  /** Address to listen on; `127.0.0.1` unless told. */
  readonly host?: string;
  /** 0 (unless told) picks a free one. */
  readonly port?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How many changes a watch can look back on before it is told 410; 1000 unless told. */
  readonly watchCacheSize?: number;
  readonly nodeProxy?: NodeProxy;
}

/** A Kubernetes API server in memory: the protocol of the real one, none of its controllers but those that kubectl cannot miss. */
export class EmbeddedApi {
  /** `http://127.0.0.1:<port>`, also what the kubeconfig says. */
  readonly url: string;
  /** Bearer token of the one user. */
  readonly token: string;

  private constructor(url: string, token: string) {
    this.url = url;
    this.token = token;
  }

  /** Resolves when it listens. Throws code `unavailable` when the port is taken. */
  static async start(_options: EmbeddedApiOptions = {}): Promise<EmbeddedApi> {
    return new EmbeddedApi('', '');
  }

  /** A kubeconfig (YAML) for this server, fit for kubectl. */
  kubeconfig(): string {
    return '';
  }

  /** Puts an object in as it is (uid, status and times kept), over an older one of that name. For preloading; not what clients do. */
  put(object: KubernetesObject): KubernetesObject {
    return object;
  }

  /** The object as it stands now, a copy. */
  get(_key: ObjectKey): KubernetesObject | undefined {
    return undefined;
  }

  /** All objects of a resource (in one namespace if the key has one), copies, by namespace and name. */
  list(_key: ResourceKey): KubernetesObject[] {
    return [];
  }

  /** Calls `listener` for every request that clients make; the returned function ends that. */
  onRequest(_listener: (request: ApiRequest) => void): () => void {
    return () => undefined;
  }

  /** Calls `listener` at once on every change of the store, in order; the returned function ends that. */
  onChange(_listener: (change: ApiChange) => void): () => void {
    return () => undefined;
  }

  /** Drops all connections and refuses new ones until `resume`, which listens on the same port. The store is kept. */
  async pause(): Promise<void> {}

  async resume(): Promise<void> {}

  /** Ends all watches and connections and gives the port back. */
  async stop(): Promise<void> {}
}
