import { KmError } from '../base/index.ts';
import type { ClaimedVolume, ValidPod, Volume } from '../pod/index.ts';
import { prepareHostPath } from './host-path.ts';
import { localDirectory, mountLocal } from './local.ts';
import { mountStep } from './mount-step.ts';
import { mountNfs } from './nfs.ts';
import { mountedVolumePath } from './paths.ts';

export interface ClaimedOptions {
  readonly rootDir: string;
  readonly pod: ValidPod;
  readonly warn?: (reason: string, message: string) => void;
  readonly signal?: AbortSignal;
}

/** The path of a persistent volume on the node, mounted where it has to be. Throws as `prepareVolume`. */
export async function prepareClaimed(volume: Volume, claimed: ClaimedVolume, options: ClaimedOptions): Promise<string> {
  const { rootDir, pod, signal, warn = () => undefined } = options;
  const { name, source, readOnly, mountOptions } = claimed;
  const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
  const target = (kind: 'nfs' | 'local'): string => mountedVolumePath(rootDir, pod.metadata.uid, kind, volume.name);
  await mountStep('NodeAffinity check', name, () => {
    if (!claimed.here) throw new KmError('workload', 'no matching NodeSelectorTerms');
  });
  if (source.kind === 'hostPath') {
    await mountStep('MountOptionSupport check', name, () => {
      if (mountOptions.length > 0) throw new KmError('workload', 'mount options are not supported for this volume type');
    });
    return mountStep('SetUp', name, () => prepareHostPath(source));
  }
  if (source.kind === 'nfs') {
    await mountStep('SetUp', name, () => mountNfs(target('nfs'), { ...source, readOnly, mountOptions }, signal));
    return target('nfs');
  }
  const path = await mountStep('NewMounter initialization', name, () => localDirectory(source.path));
  const ownership = fsGroup === undefined ? undefined : { group: fsGroup, onRootMismatch: fsGroupChangePolicy === 'OnRootMismatch' };
  await mountStep('SetUp', name, () => mountLocal(target('local'), { name, path, readOnly, mountOptions, ownership }, { rootDir, signal, warn }));
  return target('local');
}
