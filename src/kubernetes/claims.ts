import { KmError, messageOf } from '../base/index.ts';
import {
  type ClaimedVolume,
  claimedVolume,
  isVolumeOn,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type ValidPod,
  type Volume,
  volumeNameOf,
} from '../pod/index.ts';
import type { KubernetesClient } from './client.ts';
import type { KubeObject } from './object.ts';

/**
 * What a pod's volume that stands for a claim has got: the claim, then the persistent volume that it is bound to, each read by its name, as
 * a node's identity may. Throws in the kubelet's words (Kubernetes v1.20 pkg/kubelet/volumemanager/populator, createVolumeSpec); code `workload`
 * while the claim is not bound, else that of the API's answer.
 */
export async function readClaimed(client: KubernetesClient, pod: ValidPod, volume: Volume, signal: AbortSignal): Promise<ClaimedVolume> {
  const { namespace } = pod.metadata;
  const name = volume.persistentVolumeClaim?.claimName ?? '';
  try {
    const claim = await read('failed to fetch PVC from API server', () =>
      client.get<PersistentVolumeClaim>({ apiVersion: 'v1', resource: 'persistentvolumeclaims', namespace, name }, { signal }));
    const volumeName = volumeNameOf(claim);
    const found = await read(`failed to fetch PV ${volumeName} from API server`, () =>
      client.get<PersistentVolume>({ apiVersion: 'v1', resource: 'persistentvolumes', name: volumeName }, { signal }));
    const claimed = claimedVolume(found, claim, volume);
    return { ...claimed, here: await isHere(client, pod, found, signal) };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new KmError(codeOf(error), `error processing PVC ${namespace}/${name}: ${messageOf(error)}`, { cause: error });
  }
}

async function isHere(client: KubernetesClient, pod: ValidPod, volume: PersistentVolume, signal: AbortSignal): Promise<boolean> {
  if (volume.spec?.nodeAffinity?.required === undefined) return true;
  const name = pod.spec.nodeName ?? '';
  const node = await read('failed to fetch the node from API server', () => client.get<KubeObject>({ apiVersion: 'v1', resource: 'nodes', name }, { signal }));
  return isVolumeOn(volume, { name, labels: node.metadata?.labels ?? {} });
}

async function read<T>(what: string, get: () => Promise<T>): Promise<T> {
  try {
    return await get();
  } catch (error) {
    throw new KmError(codeOf(error), `${what}: ${messageOf(error)}`, { cause: error });
  }
}

function codeOf(error: unknown): KmError['code'] {
  return error instanceof KmError ? error.code : 'internal';
}
