import { aborted, KmError, messageOf } from '../base/index.ts';
import { fileVolumeKind, type ValidPod, type Volume, type VolumeFiles } from '../pod/index.ts';
import { prepareEmptyDir } from './empty-dir.ts';
import { prepareFileVolume } from './file-volume.ts';
import { prepareHostPath } from './host-path.ts';

/** Paths of the node by volume name. */
export type PreparedVolumes = ReadonlyMap<string, string>;

export interface PrepareOptions {
  readonly rootDir: string;
  readonly pod: ValidPod;
  /** What is in a volume whose files we write: a secret, config map, downwardAPI or projected one. */
  readonly files?: (volume: Volume) => Promise<VolumeFiles>;
  readonly signal?: AbortSignal;
}

/**
 * Makes every volume of the pod, or finds that it is there. Throws `KmError` with the kubelet's words, for the event FailedMount:
 * code `workload` when the pod or the node's files are at fault, `internal` when we are.
 */
export async function prepareVolumes(options: PrepareOptions): Promise<PreparedVolumes> {
  const paths = new Map<string, string>();
  for (const volume of options.pod.spec.volumes ?? []) paths.set(volume.name, await prepareVolume(volume, options));
  return paths;
}

/** As `prepareVolumes`, for one volume of the pod; brings one of files to what they are now. Returns its path on the node. */
export async function prepareVolume(volume: Volume, options: PrepareOptions): Promise<string> {
  if (options.signal?.aborted === true) throw aborted(options.signal);
  try {
    return await prepare(volume, options);
  } catch (error) {
    const code = error instanceof KmError ? error.code : 'internal';
    throw new KmError(code, `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, { cause: error });
  }
}

async function prepare(volume: Volume, { rootDir, pod, files }: PrepareOptions): Promise<string> {
  if (fileVolumeKind(volume) !== undefined) {
    if (files === undefined) throw new KmError('internal', 'nobody knows what is in it');
    return prepareFileVolume(rootDir, pod, volume, await files(volume));
  }
  const { name: _name, ...sources } = volume;
  const [kind = 'emptyDir'] = Object.keys(sources);
  if (kind === 'hostPath' && volume.hostPath !== undefined) return prepareHostPath(volume.hostPath);
  // A volume that names no source is an emptyDir (the API's default).
  if (kind === 'emptyDir') return prepareEmptyDir(rootDir, pod, volume);
  throw new KmError('workload', `not supported yet: ${kind}`);
}
