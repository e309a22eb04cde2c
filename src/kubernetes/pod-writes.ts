import { isDeepStrictEqual } from 'node:util';
import { isCode } from '../base/index.ts';
import type { Pod, PodIdentity, PodStatus } from '../pod/index.ts';
import type { KubernetesClient } from './client.ts';
import { podResource } from './object.ts';
import { readPod } from './read-pod.ts';
import { statusPatch } from './status-patch.ts';

/** `gone`: the API has no pod of that name. `other-uid`: it has another pod under that name. Nothing was written in both cases. */
export type WriteOutcome = 'done' | 'gone' | 'other-uid';

interface Write {
  readonly client: KubernetesClient;
  readonly pod: PodIdentity;
  readonly signal?: AbortSignal;
}

/**
 * Writes `status` to the pod's status subresource, guarded by its UID; conditions of others stay as they are. Nothing is sent when
 * it equals `previous`. With `previous` (the status the API is known to hold: from the watch, or from the last call) it is one
 * round trip; without it a GET comes first, as in Kubernetes v1.20 pkg/kubelet/status/status_manager.go. Throws `KubernetesError`.
 */
export async function patchStatus(write: Write & { readonly status: PodStatus; readonly previous?: PodStatus }): Promise<WriteOutcome> {
  let previous = write.previous;
  if (previous === undefined) {
    const found = await look(write);
    if (typeof found === 'string') return found;
    previous = found.status ?? {};
  }
  if (isDeepStrictEqual(previous, write.status)) return 'done';
  const body = statusPatch(write.pod.uid, write.status);
  try {
    await write.client.patch(podResource(write.pod), 'strategic', body, { subresource: 'status', ...signalOf(write) });
    return 'done';
  } catch (error) {
    // A server answers another UID with 409, or with 422 because that field never changes: ask which pod it has.
    if (isCode(error, 'not-found')) return 'gone';
    if (!isCode(error, 'conflict', 'invalid')) throw error;
    const found = await look(write);
    if (typeof found === 'string') return found;
    throw error;
  }
}

/** Removes the object at once (grace 0), only if it has this UID. Throws `KubernetesError`. */
export async function deletePod(write: Write): Promise<WriteOutcome> {
  try {
    await write.client.delete(podResource(write.pod), { gracePeriodSeconds: 0, uid: write.pod.uid, ...signalOf(write) });
    return 'done';
  } catch (error) {
    if (isCode(error, 'not-found')) return 'gone';
    if (!isCode(error, 'conflict')) throw error;
    const found = await look(write);
    if (typeof found === 'string') return found;
    throw error;
  }
}

/** Binds the pod to `nodeName`. `elsewhere`: it is bound to another node already. Bound to ours already is `done`. Throws `KubernetesError`. */
export async function bindPod(write: Write & { readonly nodeName: string }): Promise<WriteOutcome | 'elsewhere'> {
  const { client, pod, nodeName } = write;
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
    target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
  };
  try {
    await client.create(podResource(pod), body, { subresource: 'binding', ...signalOf(write) });
    return 'done';
  } catch (error) {
    if (isCode(error, 'not-found')) return 'gone';
    if (!isCode(error, 'conflict')) throw error;
    const found = await look(write);
    if (typeof found === 'string') return found;
    if (found.spec?.nodeName === nodeName) return 'done';
    if (found.spec?.nodeName) return 'elsewhere';
    throw error;
  }
}

/** The pod as the API has it now, if it is this one. */
async function look(write: Write): Promise<Pod | 'gone' | 'other-uid'> {
  try {
    const found = await readPod(write.client, write.pod, write.signal);
    return found.metadata?.uid === write.pod.uid ? found : 'other-uid';
  } catch (error) {
    if (isCode(error, 'not-found')) return 'gone';
    throw error;
  }
}

const signalOf = (write: Write): { signal?: AbortSignal } => (write.signal === undefined ? {} : { signal: write.signal });
