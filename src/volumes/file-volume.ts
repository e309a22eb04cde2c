import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileVolumeKind, nestedMountPoints, type FileVolumeKind, type ValidPod, type Volume, type VolumeFiles } from '../pod/index.ts';
import { KmError } from '../base/index.ts';
import { makeDirectory } from './make-directory.ts';
import { fileVolumePath } from './paths.ts';
import { writeAtomically } from './write-atomically.ts';

/** Kinds that never touch a disk. A config map is no secret (Kubernetes v1.20 pkg/volume/configmap, wrappedVolumeSpec). */
const IN_MEMORY: readonly FileVolumeKind[] = ['secret', 'projected', 'downwardAPI'];

/**
 * Makes a volume of files that come from us, or brings it to what they are now, all of them at one moment. Returns its path on the node.
 * With an `fsGroup` that group may read them (pkg/volume/volume_linux.go). Code `internal` when the system refuses.
 */
export async function prepareFileVolume(rootDir: string, pod: ValidPod, volume: Volume, files: VolumeFiles): Promise<string> {
  const kind = fileVolumeKind(volume);
  if (kind === undefined) throw new KmError('internal', `volume "${volume.name}" is not made of files`);
  const path = fileVolumePath(rootDir, pod.metadata.uid, kind, volume.name);
  const group = pod.spec.securityContext?.fsGroup;
  await makeDirectory(path, { inMemory: IN_MEMORY.includes(kind), ...(group !== undefined && { group }) });
  // The volume is read-only in containers: nobody else could make what other volumes are mounted on.
  for (const nested of nestedMountPoints(pod, volume.name)) await mkdir(join(path, nested), { recursive: true, mode: 0o755 });
  await writeAtomically(path, files, group);
  return path;
}
