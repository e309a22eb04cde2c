import { aborted, KmError } from '../base/index.ts';
import { type ClaimedVolume, fileVolumeKind, type ValidPod, type Volume, type VolumeFiles } from '../pod/index.ts';
import { prepareClaimed } from './claimed.ts';
import { prepareEmptyDir } from './empty-dir.ts';
import { prepareFileVolume } from './file-volume.ts';
import { prepareHostPath } from './host-path.ts';
import { mountStep } from './mount-step.ts';
import { mountNfs } from './nfs.ts';
import { mountedVolumePath } from './paths.ts';

/** Paths of the node by volume name. */
export type PreparedVolumes = ReadonlyMap<string, string>;

export interface PrepareOptions {
  readonly rootDir: string;
  readonly pod: ValidPod;
  /** What is in a volume whose files we write: a secret, config map, downwardAPI or projected one. */
  readonly files?: (volume: Volume) => Promise<VolumeFiles>;
  /** What a volume that stands for a claim has got. */
  readonly claimed?: (volume: Volume) => ClaimedVolume | undefined;
  /** Something that the pod's user should know, and that stops nothing. */
  readonly warn?: (reason: string, message: string) => void;
  /** Told of each volume, when it is made or could not be. */
  readonly over?: (volume: Volume, ms: number, ok: boolean) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes volumes of the pod, all of them unless told, or finds that they are there. Throws `KmError` with the kubelet's words, for the event FailedMount:
 * code `workload` when the pod or the node's files are at fault, `internal` when we are.
 */
export async function prepareVolumes(options: PrepareOptions, volumes: readonly Volume[] = options.pod.spec.volumes ?? []): Promise<PreparedVolumes> {
  const paths = new Map<string, string>();
  for (const volume of volumes) {
    const began = performance.now();
    let ok = false;
    try {
      paths.set(volume.name, await prepareVolume(volume, options));
      ok = true;
    } finally {
      if (options.signal?.aborted !== true) options.over?.(volume, performance.now() - began, ok);
    }
  }
  return paths;
}

/** As `prepareVolumes`, for one volume of the pod; brings one of files to what they are now. Returns its path on the node. */
export async function prepareVolume(volume: Volume, options: PrepareOptions): Promise<string> {
  if (options.signal?.aborted === true) throw aborted(options.signal);
  if (volume.persistentVolumeClaim === undefined) return mountStep('SetUp', volume.name, () => prepare(volume, options));
  const claimed = options.claimed?.(volume);
  if (claimed === undefined) throw new KmError('internal', `nobody knows what the claim of volume "${volume.name}" has got`);
  return prepareClaimed(volume, claimed, options);
}

async function prepare(volume: Volume, { rootDir, pod, files, signal }: PrepareOptions): Promise<string> {
  if (fileVolumeKind(volume) !== undefined) {
    if (files === undefined) throw new KmError('internal', 'nobody knows what is in it');
    return prepareFileVolume(rootDir, pod, volume, await files(volume));
  }
  const { name, hostPath, nfs, emptyDir: _emptyDir, ...others } = volume;
  if (hostPath !== undefined) return prepareHostPath(hostPath);
  if (nfs !== undefined) {
    const target = mountedVolumePath(rootDir, pod.metadata.uid, 'nfs', name);
    await mountNfs(target, { server: nfs.server, path: nfs.path, readOnly: nfs.readOnly === true, mountOptions: [] }, signal);
    return target;
  }
  const [unknown] = Object.keys(others);
  // A volume that names no source is an emptyDir (the API's default).
  if (unknown === undefined) return prepareEmptyDir(rootDir, pod, volume);
  throw new KmError('workload', `not supported: ${unknown}`);
}
