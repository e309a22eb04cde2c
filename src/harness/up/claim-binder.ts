import { Backoff, isCode, messageOf, sleep, systemClock } from '../../base/index.ts';
import { type KubernetesClient, type NamedResource, watchResource } from '../../kubernetes/index.ts';
import type { NodeIdentity, PersistentVolume, PersistentVolumeClaim } from '../../pod/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { isFor, volumeFor } from './match-claims.ts';

export interface ClaimBinderOptions {
  readonly client: KubernetesClient;
  /** The node that all pods run on. */
  readonly node: NodeIdentity;
  readonly logger: Logger;
}

const BOUND_BY_US = { 'pv.kubernetes.io/bound-by-controller': 'yes' };

/**
 * Plays the controller that binds claims to persistent volumes which somebody has made: no volume is made for a claim, and none is deleted.
 * Kubernetes pkg/controller/volume/persistentvolume.
 *
 * Between awaits: `#claims` and `#volumes` are what the API has told, in its order; at most one `#settle` runs, and it begins anew after each change.
 */
export class ClaimBinder {
  readonly #options: ClaimBinderOptions;
  readonly #claims = new Map<string, PersistentVolumeClaim>();
  readonly #volumes = new Map<string, PersistentVolume>();
  readonly #stop = new AbortController();
  #watching: Promise<unknown> | undefined;
  /** Kinds whose first list has come: a volume must not look released before the claims are known. */
  readonly #listed = new Set<string>();
  #settling: Promise<void> | undefined;
  #again = false;

  constructor(options: ClaimBinderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watching ??= Promise.all([this.#watch('persistentvolumeclaims', this.#claims), this.#watch('persistentvolumes', this.#volumes)]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await this.#settling;
  }

  #watch<T extends PersistentVolume | PersistentVolumeClaim>(resource: string, known: Map<string, T>): Promise<void> {
    const { client, logger } = this.#options;
    const keyOf = ({ metadata }: T): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
    return watchResource<T>({
      client,
      resource: { apiVersion: 'v1', resource },
      signal: this.#stop.signal,
      logger,
      onList: (list) => {
        known.clear();
        for (const one of list) known.set(keyOf(one), one);
        this.#listed.add(resource);
        this.#look();
      },
      onEvent: (type, one) => {
        if (type === 'DELETED') known.delete(keyOf(one));
        else known.set(keyOf(one), one);
        this.#look();
      },
    });
  }

  #look(): void {
    if (this.#listed.size < 2) return;
    this.#again = true;
    this.#settling ??= this.#settle();
  }

  async #settle(): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 });
    await Promise.resolve(); // `#settling` is set before it can be over
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false;
      try {
        for (const claim of [...this.#claims.values()]) await this.#bind(claim);
        for (const volume of [...this.#volumes.values()]) await this.#tellPhase(volume);
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        // Somebody has changed or removed it meanwhile: its watch tells.
        if (isCode(error, 'conflict', 'not-found')) continue;
        this.#options.logger.warn('a claim is not bound yet', { error: messageOf(error) });
        await sleep(systemClock, backoff.next(), this.#stop.signal).catch(() => undefined);
        this.#again = true;
      }
    }
    this.#settling = undefined;
  }

  /** The volume first: whoever sees a bound claim finds a volume that points back to it. */
  async #bind(claim: PersistentVolumeClaim): Promise<void> {
    const { metadata = {}, spec = {}, status } = claim;
    if (status?.phase === 'Bound' || metadata.deletionTimestamp !== undefined) return;
    const volume = volumeFor(claim, [...this.#volumes.values()], this.#options.node);
    if (volume?.metadata === undefined) return;
    const { name = '', namespace = '', uid } = metadata;
    const ours: NamedResource = { apiVersion: 'v1', resource: 'persistentvolumeclaims', namespace, name };
    const theirs: NamedResource = { apiVersion: 'v1', resource: 'persistentvolumes', name: volume.metadata.name ?? '' };
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion: metadata.resourceVersion };
    const chosen = spec.volumeName === undefined && volume.spec?.claimRef === undefined ? BOUND_BY_US : {};
    const bound = await this.#patch<PersistentVolume>(theirs, { metadata: { uid: volume.metadata.uid, resourceVersion: volume.metadata.resourceVersion, annotations: chosen }, spec: { claimRef } });
    this.#volumes.set(`/${theirs.name}`, bound); // no other claim of this round may get it
    const completed = { 'pv.kubernetes.io/bind-completed': 'yes', ...chosen };
    await this.#patch(ours, { metadata: { uid, annotations: completed }, spec: { volumeName: theirs.name } });
    const { accessModes, capacity } = volume.spec ?? {};
    await this.#patch(ours, { metadata: { uid }, status: { phase: 'Bound', accessModes, capacity } }, 'status');
  }

  async #tellPhase({ metadata = {}, spec = {}, status }: PersistentVolume): Promise<void> {
    const ref = spec.claimRef;
    const claim = ref === undefined ? undefined : this.#claims.get(`${ref.namespace ?? ''}/${ref.name ?? ''}`);
    const taken = (ref?.uid ?? '') !== '';
    const phase = !taken ? 'Available' : claim !== undefined && isFor({ spec }, claim) ? 'Bound' : 'Released';
    const { name = '', uid } = metadata;
    if (status?.phase !== phase) await this.#patch({ apiVersion: 'v1', resource: 'persistentvolumes', name }, { metadata: { uid }, status: { phase } }, 'status');
  }

  #patch<T extends object>(what: NamedResource, body: object, subresource?: string): Promise<T> {
    return this.#options.client.patch<T>(what, 'merge', body, { signal: this.#stop.signal, ...(subresource !== undefined && { subresource }) });
  }
}
