import type { Metrics } from '../../telemetry/index.ts';
import type { FileSystem } from '../../volumes/index.ts';
import type { ClaimUse } from './disk-use.ts';

/** Kubernetes v1.20 pkg/kubelet/metrics/collectors/volume_stats.go. */
const FIGURES: readonly (readonly [name: string, help: string, of: (fileSystem: FileSystem) => number])[] = [
  ['capacity_bytes', 'Capacity in bytes of the volume', ({ capacity }) => capacity],
  ['available_bytes', 'Number of available bytes in the volume', ({ available }) => available],
  ['used_bytes', 'Number of used bytes in the volume', ({ used }) => used],
  ['inodes', 'Maximum number of inodes in the volume', ({ inodes }) => inodes],
  ['inodes_free', 'Number of free inodes in the volume', ({ inodesFree }) => inodesFree],
  ['inodes_used', 'Number of used inodes in the volume', ({ inodes, inodesFree }) => inodes - inodesFree],
];

/** `kubelet_volume_stats_*`: how full the volumes of claims are. `claims` is asked once for who reads them all. */
export function observeClaims(metrics: Metrics, claims: () => Promise<readonly ClaimUse[]>): void {
  let asked: Promise<readonly ClaimUse[]> | undefined;
  const shared = (): Promise<readonly ClaimUse[]> => (asked ??= claims().catch(() => []).finally(() => (asked = undefined)));
  for (const [name, help, of] of FIGURES) {
    const values = async (): Promise<{ labels: Record<string, string>; value: number }[]> =>
      (await shared()).map(({ namespace, claim, fileSystem }) => ({ labels: { namespace, persistentvolumeclaim: claim }, value: of(fileSystem) }));
    metrics.observe(`kubelet_volume_stats_${name}`, help, values, ['namespace', 'persistentvolumeclaim']);
  }
}
