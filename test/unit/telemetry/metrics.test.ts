import { expect, it } from 'vitest';
import { Metrics } from '../../../src/telemetry/index.ts';

const valueOf = (text: string, name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);

it('tells of its process what every Prometheus client tells', async () => {
  const text = await new Metrics().text();
  const open = valueOf(text, 'process_open_fds');
  expect(open).toBeGreaterThan(2);
  expect(valueOf(text, 'process_max_fds')).toBeGreaterThan(open);
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
