import { expect, it } from 'vitest';
import { Metrics } from '../../../src/telemetry/index.ts';

const valueOf = (text: string, name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);

it('tells of its process what every Prometheus client tells', async () => {
  const text = await new Metrics().text();
  const open = valueOf(text, 'process_open_fds');
  expect(open).toBeGreaterThan(2);
  expect(valueOf(text, 'process_max_fds')).toBeGreaterThan(open);
  expect(valueOf(text, 'process_virtual_memory_max_bytes')).not.toBeNaN();
  expect(valueOf(text, 'process_virtual_memory_bytes')).toBeGreaterThan(valueOf(text, 'process_resident_memory_bytes'));
  expect(valueOf(text, 'process_cpu_seconds_total')).toBeGreaterThan(0);
});

it('tells how long relists take, how far apart they begin and when the last one was', async () => {
  const metrics = new Metrics();
  metrics.relistWas(10_000, 10_200);
  metrics.relistWas(13_000, 13_300);
  const text = await metrics.text();
  expect(valueOf(text, 'kubelet_pleg_relist_duration_seconds_sum')).toBe(0.5);
  expect(valueOf(text, 'kubelet_pleg_relist_interval_seconds_sum')).toBe(3);
  expect(valueOf(text, 'kubelet_pleg_relist_interval_seconds_count')).toBe(1);
  expect(valueOf(text, 'kubelet_pleg_last_seen_seconds')).toBe(13.3);
});

it('counts what the Kubernetes API is asked, as client-go does', async () => {
  const metrics = new Metrics();
  const asked = { method: 'GET', host: 'h:6443', url: 'https://h:6443/api/v1/pods' };
  for (const seconds of [0.003, 0.7]) metrics.askedApi({ ...asked, code: '200', seconds });
  metrics.askedApi({ ...asked, code: '<error>' });
  const text = await metrics.text();
  const labels = 'verb="GET",url="https://h:6443/api/v1/pods"';
  expect(text).toContain('rest_client_requests_total{code="200",method="GET",host="h:6443"} 2\n');
  expect(text).toContain('rest_client_requests_total{code="<error>",method="GET",host="h:6443"} 1\n');
  expect(text).toContain(`rest_client_request_duration_seconds_bucket{le="0.004",${labels}} 1\n`);
  expect(text).toContain(`rest_client_request_duration_seconds_bucket{le="0.512",${labels}} 1\n`);
  expect(text).toContain(`rest_client_request_duration_seconds_count{${labels}} 2\n`);
});

it('says nothing of what has no value, with labels and without, and goes on', async () => {
  const metrics = new Metrics();
  let values: { labels?: Record<string, string>; value: number }[] = [];
  metrics.observe('plain', 'h', () => values.map(({ value }) => ({ value })));
  metrics.observe('labelled', 'h', async () => values, ['l']);
  const lines = async (): Promise<string[]> => (await metrics.text()).split('\n').filter((line) => /^(plain|labelled)/.test(line));
  expect(await lines()).toEqual([]);
  values = [{ labels: { l: 'a' }, value: 1 }];
  expect(await lines()).toEqual(['plain 1', 'labelled{l="a"} 1']);
  values = [];
  expect(await lines()).toEqual([]);
});
