import { KmError } from '../base/index.ts';
import type { PodIdentity, PodStatus } from '../pod/index.ts';
import type { KubernetesClient } from './client.ts';

/** `gone`: the API has no pod of that name. `other-uid`: it has another pod under that name. Nothing was written in both. */
export type WriteOutcome = 'done' | 'gone' | 'other-uid';

interface Write {
  readonly client: KubernetesClient;
  readonly pod: PodIdentity;
  readonly signal?: AbortSignal;
}

/**
 * Writes `status` to the pod's status subresource, guarded by its UID; conditions of others stay. Nothing is sent when it equals
 * `previous`. With `previous` (the status the API is known to hold: from the watch, or from the last call) it is one round
 * trip; without it, a GET comes first, as in Kubernetes v1.20 pkg/kubelet/status/status_manager.go.
 */
export async function patchStatus(_write: Write & { readonly status: PodStatus; readonly previous?: PodStatus }): Promise<WriteOutcome> {
  throw new KmError('internal', 'not there yet');
}

/** Removes the object at once (grace 0), only if it has this UID. */
export async function deletePod(_write: Write): Promise<WriteOutcome> {
  throw new KmError('internal', 'not there yet');
}

/** Binds the pod to `nodeName`. `elsewhere`: it is bound to another node already. Bound to ours already is `done`. */
export async function bindPod(_write: Write & { readonly nodeName: string }): Promise<WriteOutcome | 'elsewhere'> {
  throw new KmError('internal', 'not there yet');
}
