import { expect, it } from 'vitest';
import { Measures } from '../../../src/executor/measures.ts';
import type { ClusterAccess } from '../../../src/kubernetes/index.ts';
import type { Ledger } from '../../../src/mesos/index.ts';
import type { PodRuntime } from '../../../src/runtime/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Authority } from '../server/support/authority.ts';

const line = async (measures: Measures, name: string): Promise<string | undefined> => (await measures.metrics.text()).split('\n').find((one) => one.startsWith(name));

it('tells of the build what there is to tell, once it is known', async () => {
  const measures = new Measures(new ManualClock());
  measures.observe({ pendingUpdates: 0, unacknowledged: () => ({ updates: [] }) } as unknown as Ledger, () => undefined, () => undefined);
  expect(await line(measures, 'kubernetes_build_info{')).toBeUndefined();
  measures.build = { kubeletVersion: 'v1.20.2-km.3', operatingSystem: 'linux', architecture: 'arm64' };
  const [, labels = '', value] = /^kubernetes_build_info\{(.*)\} (\S+)$/.exec((await line(measures, 'kubernetes_build_info{')) ?? '') ?? [];
  expect(value).toBe('1');
  expect(labels.split(',').sort()).toEqual([
    'buildDate=""', 'compiler=""', 'gitCommit=""', 'gitTreeState=""', 'gitVersion="v1.20.2-km.3"', 'goVersion=""', 'major="1"', 'minor="20"', 'platform="linux/arm64"',
  ]);
});

it.each<[string, (cert: string) => string | undefined, string]>([
  ['is good', (cert) => cert, '3600'],
  ['there is none of', () => undefined, '+Inf'],
  ['nobody can read', () => 'nonsense', '+Inf'],
])('tells how long a client certificate is good that %s', async (_what, certificate, seconds) => {
  const { cert } = await (await Authority.create()).client([{ CN: ['system:node:n1'] }], { until: 7_200_000 });
  // Certificates end on whole seconds: the clock stands an hour before.
  const measures = new Measures(new ManualClock(Math.floor((Date.now() + 3_600_000) / 1000) * 1000));
  measures.observeAccess({ clientCertificate: async () => certificate(cert) } as Partial<ClusterAccess> as ClusterAccess);
  const [, value] = ((await line(measures, 'kubelet_certificate_manager_client_ttl_seconds ')) ?? '').split(' ');
  if (seconds === '3600') expect(Math.abs(Number(value) - 3600)).toBeLessThanOrEqual(5);
  else expect(value).toBe(seconds);
});

it('counts volumes by kind, those of pods that have begun as made', async () => {
  const measures = new Measures(new ManualClock());
  const pod = (volumes: object[], state: string | undefined): object => ({ pod: { spec: { volumes } }, observed: { sandboxes: state === undefined ? [] : [{ state }], containers: [] } });
  const all = [pod([{ name: 'a', emptyDir: {} }, { name: 'b', persistentVolumeClaim: { claimName: 'c' } }], 'running'), pod([{ name: 'a', emptyDir: {} }], undefined), { ...pod([], 'exited'), pod: { spec: {} } }];
  measures.observe({ pendingUpdates: 0, unacknowledged: () => ({ updates: [] }) } as unknown as Ledger, () => ({ all: () => all }) as unknown as PodRuntime, () => undefined);
  const lines = (await measures.metrics.text()).split('\n').filter((one) => one.startsWith('volume_manager_total_volumes{'));
  const series = (plugin: string, state: string, count: number): string => `volume_manager_total_volumes{plugin_name="${plugin}",state="${state}_state_of_world"} ${count}`;
  expect(lines.sort()).toEqual([series('N/A', 'actual', 1), series('N/A', 'desired', 1), series('kubernetes.io/empty-dir', 'actual', 1), series('kubernetes.io/empty-dir', 'desired', 2)]);
  expect(await line(measures, 'kubelet_node_config_error ')).toBe('kubelet_node_config_error 0');
});

it('counts volumes that were made, and those that could not be', async () => {
  const measures = new Measures(new ManualClock());
  measures.runtime.mounted('kubernetes.io/nfs', 300, true);
  measures.runtime.mounted('kubernetes.io/nfs', 9_000, false);
  const lines = (await measures.metrics.text()).split('\n').filter((one) => one.startsWith('storage_operation_') && !one.includes('_bucket'));
  const labels = 'volume_plugin="kubernetes.io/nfs",operation_name="volume_mount"';
  expect(lines).toEqual([
    `storage_operation_duration_seconds_sum{${labels}} 0.3`,
    `storage_operation_duration_seconds_count{${labels}} 1`,
    `storage_operation_errors_total{${labels}} 1`,
    `storage_operation_status_count{${labels},status="success"} 1`,
    `storage_operation_status_count{${labels},status="fail-unknown"} 1`,
  ]);
});
