import type { ClaimedVolume, DataObject, DataRef, Service, TokenWanted, ValidPod, Volume } from '../pod/index.ts';

/** Where pods take secrets, config maps, tokens and the addresses of services from: the Kubernetes API, as the executor hands it in. */
export interface PodSources {
  /** What the pod names is kept at hand from now on; `onChanged` is called when some of it has changed. Again when the pod has changed. */
  hold(pod: ValidPod, onChanged: () => void): void;
  /** The pod needs nothing any more. */
  release(uid: string): void;
  /** A secret or config map that a held pod names; undefined when there is none of that name. Throws code `unavailable` when nobody knows. */
  object(pod: ValidPod, ref: DataRef, signal: AbortSignal): Promise<DataObject | undefined>;
  /** A token for the pod's service account, and when (milliseconds since the epoch) to ask for the next one. */
  token(pod: ValidPod, wanted: TokenWanted, signal: AbortSignal): Promise<{ readonly token: string; readonly refreshAtMs: number }>;
  /** What a volume of the pod has got that stands for a claim. Throws in the kubelet's words while it has nothing. */
  claimed(pod: ValidPod, volume: Volume, signal: AbortSignal): Promise<ClaimedVolume>;
  /** The services whose addresses the pod may get. Throws code `unavailable` when nobody knows. */
  services(pod: ValidPod, signal: AbortSignal): Promise<readonly Service[]>;
}
