import type { Pod, PodIdentity } from '../pod/index.ts';
import type { KubernetesClient } from './client.ts';
import { KubernetesError } from './kubernetes-error.ts';
import { podResource } from './object.ts';

/**
 * The pod that the API has under this name now, whatever its UID. Throws `KubernetesError`: `not-found` only when the API itself says so,
 * `internal` for an answer that is not the pod asked for (it must not be taken for another UID).
 */
export async function readPod(client: KubernetesClient, identity: Pick<PodIdentity, 'namespace' | 'name'>, signal?: AbortSignal): Promise<Pod> {
  const pod = await client.get<Pod>(podResource(identity), signal === undefined ? {} : { signal });
  if (pod.metadata?.name !== identity.name || typeof pod.metadata.uid !== 'string' || pod.metadata.uid === '') {
    throw new KubernetesError('internal', `GET pod ${identity.namespace}/${identity.name}: the answer is not that pod`);
  }
  return pod;
}
