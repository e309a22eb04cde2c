import { isCode } from '../base/index.ts';
import type { KubernetesClient, NamedResource } from '../kubernetes/index.ts';

/** Seconds after which a lease that nobody renewed counts as lost (kubelet's nodeLeaseDurationSeconds). */
const LEASE_SECONDS = 40;
/** Milliseconds a renewal may take: well below the lease, so that a hung connection is noticed in time. */
const TIMEOUT_MS = 10_000;

interface Lease {
  metadata?: { resourceVersion?: string; ownerReferences?: unknown[] };
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
}

/** The lease by which Kubernetes knows that the node lives: `kube-node-lease/<node>`. */
export class NodeLease {
  readonly #client: KubernetesClient;
  readonly #nodeName: string;
  #lease: Lease | undefined;

  constructor(client: KubernetesClient, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /**
   * Renews it, or makes it. `now` in milliseconds; `nodeUid` lets it go when the Node goes. One call when all is as we left it.
   * Throws `KubernetesError`.
   */
  async renew(now: number, nodeUid: string | undefined, signal: AbortSignal): Promise<void> {
    const collection = { apiVersion: 'coordination.k8s.io/v1', resource: 'leases', namespace: 'kube-node-lease' };
    const what: NamedResource = { ...collection, name: this.#nodeName };
    const options = { signal, timeoutMs: TIMEOUT_MS };
    if (this.#lease !== undefined) {
      try {
        this.#lease = await this.#client.replace<Lease>(what, this.#body(now, nodeUid, this.#lease), options);
        return;
      } catch (error) {
        if (!isCode(error, 'conflict', 'not-found')) throw error;
        this.#lease = undefined;
      }
    }
    const standing = await this.#client.get<Lease>(what, options).catch((error: unknown) => {
      if (isCode(error, 'not-found')) return undefined;
      throw error;
    });
    this.#lease =
      standing === undefined
        ? await this.#client.create<Lease>(collection, this.#body(now, nodeUid), options)
        : await this.#client.replace<Lease>(what, this.#body(now, nodeUid, standing), options);
  }

  #body(now: number, nodeUid: string | undefined, standing: Lease = {}): object {
    const owner = nodeUid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: this.#nodeName, uid: nodeUid }];
    return {
      ...standing,
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...standing.metadata, name: this.#nodeName, namespace: 'kube-node-lease', ...(owner.length > 0 && { ownerReferences: owner }) },
      spec: {
        ...standing.spec,
        holderIdentity: this.#nodeName,
        leaseDurationSeconds: LEASE_SECONDS,
        renewTime: new Date(now).toISOString().replace(/Z$/, '000Z'), // a MicroTime: six digits
      },
    };
  }
}
