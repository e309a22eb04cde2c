import { type ClaimedVolume, dataRefs, type DataObject, type DataRef, type Service, type TokenWanted, type ValidPod, type Volume } from '../pod/index.ts';
import { readClaimed } from './claims.ts';
import type { KubernetesClient } from './client.ts';
import { ObjectCache, type ObjectCacheOptions } from './object-cache.ts';
import { ServiceAccountTokens, type ServiceAccountToken } from './service-account-tokens.ts';
import { ServiceCache } from './service-cache.ts';

/** All that pods take from the API beside themselves: secrets, config maps, tokens, the addresses of services. */
export class PodObjects {
  readonly #client: KubernetesClient;
  readonly #objects: ObjectCache;
  readonly #services: ServiceCache;
  readonly #tokens: ServiceAccountTokens;

  constructor(options: ObjectCacheOptions) {
    this.#client = options.client;
    this.#objects = new ObjectCache(options);
    this.#services = new ServiceCache(options);
    this.#tokens = new ServiceAccountTokens(options);
  }

  /** From now on what the pod names is kept at hand; `onChanged` is called when some of it has changed. To be called again when the pod has. */
  hold(pod: ValidPod, onChanged: () => void): void {
    this.#objects.hold(pod.metadata.uid, pod.metadata.namespace, dataRefs(pod), onChanged);
    this.#services.expect(pod.spec.enableServiceLinks !== false);
  }

  /** The pod needs nothing any more. */
  release(uid: string): void {
    this.#objects.release(uid);
    this.#tokens.forget(uid);
  }

  /** See `ObjectCache.get`; the pod must be held. */
  object(pod: ValidPod, ref: DataRef, signal: AbortSignal): Promise<DataObject | undefined> {
    return this.#objects.get(pod.metadata.namespace, ref, signal);
  }

  /** See `ServiceAccountTokens.get`. */
  token(pod: ValidPod, wanted: TokenWanted, signal: AbortSignal): Promise<ServiceAccountToken> {
    return this.#tokens.get(pod, wanted, signal);
  }

  /** See `readClaimed`. */
  claimed(pod: ValidPod, volume: Volume, signal: AbortSignal): Promise<ClaimedVolume> {
    return readClaimed(this.#client, pod, volume, signal);
  }

  /** See `ServiceCache.services`. */
  services(pod: ValidPod, signal: AbortSignal): Promise<readonly Service[]> {
    return this.#services.services(pod.spec.enableServiceLinks !== false, signal);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#objects.stop(), this.#services.stop()]);
  }
}
