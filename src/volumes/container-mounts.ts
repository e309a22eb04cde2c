import { isAbsolute } from 'node:path';
import { KmError } from '../base/index.ts';
import { type Container, type ContainerMount, fileVolumeKind, isReadOnlyVolume, type ValidPod, type VolumeMount } from '../pod/index.ts';
import { subPathTarget } from './paths.ts';
import type { PreparedVolumes } from './prepare-volumes.ts';
import { holdSubPath } from './sub-path.ts';

const HOSTS_PATH = '/etc/hosts';

export interface MountsInput {
  readonly rootDir: string;
  readonly pod: ValidPod;
  readonly container: Container;
  readonly volumes: PreparedVolumes;
  /** `subPath` or `subPathExpr` of a mount, expanded (`volumeSubPath` of the pod room). */
  readonly subPath: (mount: { subPath?: string; subPathExpr?: string }) => string | undefined;
  /** The pod's /etc/hosts on the node; absent leaves Docker's. */
  readonly hostsFile?: string;
  /** This container's termination message file on the node. */
  readonly terminationMessageFile?: string;
}

/**
 * What the container sees of the node: its volume mounts, /etc/hosts (unless it mounts one itself) and its termination message
 * file. Makes directories of `subPath`s and binds them (Kubernetes v1.20 pkg/kubelet/kubelet_pods.go, makeMounts). Throws
 * code `workload` when a mount names no volume or a subPath leaves its volume.
 */
export async function containerMounts(input: MountsInput): Promise<ContainerMount[]> {
  const { container } = input;
  const mounts: ContainerMount[] = [];
  // Files that we write are ours alone: a container that wrote there could lead us elsewhere with a link.
  const readOnly = new Set((input.pod.spec.volumes ?? []).filter((one) => fileVolumeKind(one) !== undefined || isReadOnlyVolume(one)).map(({ name }) => name));
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    mounts.push({
      hostPath: await hostPathOf(input, mount, index),
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : `/${mount.mountPath}`,
      readOnly: mount.readOnly === true || readOnly.has(mount.name),
      propagation: propagationOf(mount),
    });
  }
  if (input.hostsFile !== undefined && !mounts.some(({ containerPath }) => containerPath === HOSTS_PATH)) {
    mounts.push({ hostPath: input.hostsFile, containerPath: HOSTS_PATH, readOnly: false, propagation: 'private' });
  }
  if (input.terminationMessageFile !== undefined && container.terminationMessagePath) {
    mounts.push({ hostPath: input.terminationMessageFile, containerPath: container.terminationMessagePath, readOnly: false, propagation: 'private' });
  }
  return mounts;
}

async function hostPathOf(input: MountsInput, mount: VolumeMount, index: number): Promise<string> {
  const { container, pod, rootDir } = input;
  const volume = input.volumes.get(mount.name);
  if (volume === undefined) throw new KmError('workload', `cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const subPath = input.subPath(mount);
  if (subPath === undefined || subPath === '') return volume;
  const target = subPathTarget(rootDir, pod.metadata.uid, mount.name, container.name, index);
  try {
    await holdSubPath({ volume, subPath, target });
  } catch (error) {
    // The cause may tell about the node's files: it goes to the log, not to the pod's events.
    const code = error instanceof KmError ? error.code : 'internal';
    throw new KmError(code, `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}"`, { cause: error });
  }
  return target;
}

function propagationOf({ mountPropagation }: VolumeMount): ContainerMount['propagation'] {
  if (mountPropagation === 'HostToContainer') return 'rslave';
  return mountPropagation === 'Bidirectional' ? 'rshared' : 'private';
}
