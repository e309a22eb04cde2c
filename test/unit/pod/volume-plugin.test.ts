import { expect, it } from 'vitest';
import { volumePlugin } from '../../../src/pod/index.ts';

it.each([
  [{ emptyDir: {} }, undefined, 'kubernetes.io/empty-dir'],
  [{}, undefined, 'kubernetes.io/empty-dir'],
  [{ projected: { sources: [] } }, undefined, 'kubernetes.io/projected'],
  [{ nfs: { server: 's', path: '/' } }, undefined, 'kubernetes.io/nfs'],
  [{ persistentVolumeClaim: { claimName: 'c' } }, undefined, 'N/A'],
  [{ persistentVolumeClaim: { claimName: 'c' } }, 'local', 'kubernetes.io/local-volume'],
  [{ persistentVolumeClaim: { claimName: 'c' } }, 'hostPath', 'kubernetes.io/host-path'],
] as const)('a volume %j whose claim has got %s is made by %s', (volume, source, plugin) => {
  expect(volumePlugin({ name: 'v', ...volume } as never, source)).toBe(plugin);
});
