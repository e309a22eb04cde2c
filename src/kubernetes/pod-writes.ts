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
  let held = write.previous;
  if (held === undefined) {
    const found = await look(write);
    if (typeof found === 'string') return found;
    held = found.status ?? {};
  }
  if (isDeepStrictEqual(held, write.status)) return 'done';
  try {
    return await send(write, held);
  } catch (error) {
    // A server answers another UID with 409, or with 422 because that field never changes; or what it holds is not what we thought.
    if (!isCode(error, 'conflict', 'invalid')) throw error;
    const found = await look(write);
    if (typeof found === 'string') return found;
    const now = found.status ?? {};
    if (isCode(error, 'invalid') && isDeepStrictEqual(now.podIPs, held.podIPs)) throw error;
    return send(write, now);
  }
}

async function send(write: Write & { readonly status: PodStatus }, held: PodStatus): Promise<WriteOutcome> {
  const { client, pod, status } = write;
  try {
    await client.patch(podResource(pod), 'strategic', statusPatch(pod.uid, status, held), { subresource: 'status', ...signalOf(write) });
    return 'done';
  } catch (error) {
    if (isCode(error, 'not-found')) return 'gone';
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
