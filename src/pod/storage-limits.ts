import { podNeed } from './pod-need.ts';
import { bytesQuantity, parseQuantity, toBytes } from './quantity.ts';
import { isCritical, quantityOf } from './resources.ts';
import type { Container, ValidPod, Volume } from './types.ts';

/** What a pod takes on the node's disk, bytes. What is not known is not there. */
export interface StorageUse {
  /** By volume name. */
  readonly volumes: ReadonlyMap<string, number>;
  /** By container name: what it has written beside its volumes, and its logs. */
  readonly containers: ReadonlyMap<string, number>;
  /** What they have written into the pod's own files: /etc/hosts, termination messages. */
  readonly files: number;
}

/** Whether the pod says how much of the disk it may take, and loses its place when it takes more. */
export function hasStorageLimits(pod: ValidPod): boolean {
  return !isCritical(pod) && (limitedVolumes(pod).length > 0 || [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(limitOf));
}

/** Which limit the pod has passed, as its status says it; `undefined`: none. Kubernetes v1.20 pkg/kubelet/eviction/eviction_manager.go localStorageEviction. */
export function storageExcess(pod: ValidPod, { volumes, containers, files }: StorageUse): string | undefined {
  for (const { name, emptyDir } of limitedVolumes(pod)) {
    const limit = emptyDir?.sizeLimit ?? '0';
    if (BigInt(volumes.get(name) ?? 0) > toBytes(parseQuantity(limit))) return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const whole = podNeed(pod.spec, limitOf);
  const used = [...volumes, ...containers].reduce((sum, [, bytes]) => sum + BigInt(bytes), BigInt(files));
  if (whole > 0n && used > whole) return `Pod ephemeral local storage usage exceeds the total limit of containers ${bytesQuantity(whole)}. `;
  for (const container of pod.spec.containers) {
    const limit = limitOf(container);
    const text = container.resources?.limits?.['ephemeral-storage'] ?? '';
    if (limit > 0n && BigInt(containers.get(container.name) ?? 0) > limit) return `Container ${container.name} exceeded its local ephemeral storage limit "${text}". `;
  }
  return undefined;
}

/** Whether what is in the volume is the pod's own use of the disk. Kubernetes v1.20 pkg/volume/util IsLocalEphemeralVolume. */
export function isLocalEphemeral({ emptyDir, configMap, downwardAPI }: Volume): boolean {
  return (emptyDir !== undefined && (emptyDir.medium ?? '') === '') || configMap !== undefined || downwardAPI !== undefined;
}

/** Those in memory cannot grow beyond theirs. */
function limitedVolumes({ spec }: ValidPod): Volume[] {
  return (spec.volumes ?? []).filter((volume) => isLocalEphemeral(volume) && volume.emptyDir?.sizeLimit !== undefined && toBytes(parseQuantity(volume.emptyDir.sizeLimit)) > 0n);
}

function limitOf(container: Container): bigint {
  return toBytes(quantityOf(container, 'limits', 'ephemeral-storage'));
}
