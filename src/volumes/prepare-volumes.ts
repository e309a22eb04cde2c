import { aborted, KmError, messageOf } from '../base/index.ts';
import type { ValidPod, Volume } from '../pod/index.ts';
import { prepareEmptyDir } from './empty-dir.ts';
import { prepareHostPath } from './host-path.ts';

/** Paths of the node by volume name. */
export type PreparedVolumes = ReadonlyMap<string, string>;

export interface PrepareOptions {
  readonly rootDir: string;
  readonly pod: ValidPod;
  readonly signal?: AbortSignal;
}

/**
 * Makes every volume of the pod, or finds that it is there. Throws `KmError` with the kubelet's words, for the event FailedMount:
 * code `workload` when the pod or the node's files are at fault, `internal` when we are.
 */
export async function prepareVolumes({ rootDir, pod, signal }: PrepareOptions): Promise<PreparedVolumes> {
  const paths = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    if (signal?.aborted === true) throw aborted(signal);
    try {
      paths.set(volume.name, await prepare(rootDir, pod, volume));
    } catch (error) {
      const code = error instanceof KmError ? error.code : 'internal';
      throw new KmError(code, `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`, { cause: error });
    }
  }
  return paths;
}

async function prepare(rootDir: string, pod: ValidPod, volume: Volume): Promise<string> {
  const { name: _name, ...sources } = volume;
  const [kind = 'emptyDir'] = Object.keys(sources);
  if (kind === 'hostPath' && volume.hostPath !== undefined) return prepareHostPath(volume.hostPath);
  // A volume that names no source is an emptyDir (the API's default).
  if (kind === 'emptyDir') return prepareEmptyDir(rootDir, pod, volume);
  throw new KmError('workload', `not supported yet: ${kind}`);
}
