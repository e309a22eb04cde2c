import { messageOf } from '../base/index.ts';
import type { PullSecret, RegistryAuth } from '../docker/index.ts';
import { pullSecretRefs } from '../pod/index.ts';
import type { PodContext } from './pod-context.ts';

/**
 * What to pull an image of a pod with, in the order to try. A secret that cannot be had is told, and the pull is tried without it (the words
 * of Kubernetes v1.28 pkg/kubelet/kubelet_pods.go getPullSecretsForPod).
 */
export async function pullCredentials(context: PodContext, image: string, signal: AbortSignal): Promise<readonly RegistryAuth[]> {
  const { node, pod } = context;
  const missing: string[] = [];
  const secrets = await Promise.all(pullSecretRefs(pod).map(async (ref): Promise<PullSecret[]> => {
    const found = await node.sources()?.object(pod, ref, signal).catch((error: unknown) => {
      if (signal.aborted) throw error;
      node.logger.warn('image pull secret not read', { pod: pod.metadata.name, secret: ref.name, error: messageOf(error) });
      return undefined;
    });
    if (found !== undefined) return [{ name: ref.name, type: found.type ?? '', data: found.data }];
    missing.push(ref.name);
    return [];
  }));
  if (missing.length > 0) {
    const names = missing.sort().join(', ');
    context.tell('Warning', 'FailedToRetrieveImagePullSecret', `Unable to retrieve some image pull secrets (${names}); attempting to pull the image may not succeed.`);
  }
  return node.credentials.of(image, secrets.flat(), signal);
}
