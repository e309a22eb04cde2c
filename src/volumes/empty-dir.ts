import { KmError } from '../base/index.ts';
import { parseQuantity, toBytes, type ValidPod, type Volume } from '../pod/index.ts';
import { makeDirectory } from './make-directory.ts';
import { emptyDirPath } from './paths.ts';

/** The directory of an emptyDir volume: on the node's disk, or a tmpfs with medium Memory, at most `sizeLimit` large. */
export async function prepareEmptyDir(rootDir: string, pod: ValidPod, volume: Volume): Promise<string> {
  const path = emptyDirPath(rootDir, pod.metadata.uid, volume.name);
  const { medium = '', sizeLimit } = volume.emptyDir ?? {};
  if (medium !== '' && medium !== 'Memory') throw new KmError('workload', `unknown storage medium "${medium}"`);
  const group = pod.spec.securityContext?.fsGroup;
  const inMemory = medium === 'Memory';
  const sizeBytes = sizeLimit === undefined ? 0n : toBytes(parseQuantity(sizeLimit));
  await makeDirectory(path, { inMemory, sizeBytes, ...(group !== undefined && { group }) });
  return path;
}
