import type { EngineInfo } from '../../docker/index.ts';
import type { Metrics } from '../../telemetry/index.ts';
import type { Answer } from '../http/answer.ts';
import type { Route } from '../http/router.ts';
import { cadvisorMetrics } from '../stats/cadvisor-metrics.ts';
import type { DiskMeter } from '../stats/disk-use.ts';
import { exposition, EXPOSITION_TYPE } from '../stats/exposition.ts';
import { resourceMetrics } from '../stats/resource-metrics.ts';
import type { Sampler } from '../stats/sampler.ts';

export interface MetricsOptions {
  readonly metrics: Metrics;
  readonly sampler: Sampler;
  readonly disks: DiskMeter;
  readonly engineInfo: EngineInfo;
}

/** `/metrics` (ours), `/metrics/probes`, and what containers use: `/metrics/resource` for metrics-server, `/metrics/cadvisor` for dashboards. */
export function metricsRoutes({ metrics, sampler, disks, engineInfo }: MetricsOptions): Route[] {
  const answer = (body: string): Answer => ({ status: 200, headers: { 'content-type': EXPOSITION_TYPE }, body });
  const route = (pattern: string, text: () => Promise<string>): Route => ({ methods: 'any', pattern, serve: async () => answer(await text()) });
  return [
    route('/metrics', () => metrics.text()),
    route('/metrics/probes', () => metrics.probesText()),
    route('/metrics/resource', async () => exposition(resourceMetrics(await sampler.sample()))),
    route('/metrics/cadvisor', async () => {
      const sample = await sampler.sample();
      return exposition(cadvisorMetrics(sample, engineInfo, await disks.measure(sample)));
    }),
  ];
}
