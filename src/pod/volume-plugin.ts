import type { ClaimedSource } from './claimed-volume.ts';
import type { Volume } from './types.ts';

const PLUGINS = {
  configMap: 'kubernetes.io/configmap',
  secret: 'kubernetes.io/secret',
  downwardAPI: 'kubernetes.io/downward-api',
  projected: 'kubernetes.io/projected',
  hostPath: 'kubernetes.io/host-path',
  nfs: 'kubernetes.io/nfs',
} as const;

/** Who makes a volume, by the names that the kubelet has for them. `source` is what a claim has got; `N/A` while that is not known. */
export function volumePlugin(volume: Volume, source?: ClaimedSource['kind']): string {
  if (volume.persistentVolumeClaim !== undefined) return source === undefined ? 'N/A' : source === 'local' ? 'kubernetes.io/local-volume' : PLUGINS[source];
  const kind = (Object.keys(PLUGINS) as (keyof typeof PLUGINS)[]).find((one) => volume[one] !== undefined);
  return kind === undefined ? 'kubernetes.io/empty-dir' : PLUGINS[kind]; // one that names no source is an emptyDir
}
