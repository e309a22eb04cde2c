import type { Clock } from '../../base/index.ts';
import { json, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';
import type { DiskMeter } from '../stats/disk-use.ts';
import { OwnUse } from '../stats/own-use.ts';
import type { Sampler } from '../stats/sampler.ts';
import { summaryOf } from '../stats/summary.ts';

export interface StatsOptions {
  readonly sampler: Sampler;
  readonly disks: DiskMeter;
  readonly nodeName: string;
  readonly clock: Clock;
}

/** `/stats/summary`, of which `kubectl top` with an older metrics-server, and eviction tools, read (Kubernetes v1.20 pkg/kubelet/server/stats). */
export function statsRoutes({ sampler, disks, nodeName, clock }: StatsOptions): Route[] {
  const own = new OwnUse(clock);
  const serve = async ({ query }: Visit): Promise<Answer> => {
    const onlyCpuAndMemory = query.getAll('only_cpu_and_memory').join() === 'true';
    const sample = await sampler.sample();
    const use = onlyCpuAndMemory ? undefined : await disks.measure(sample);
    return json(summaryOf(sample, { nodeName, startedAt: own.startedAt, own: own.measure() }, use));
  };
  return [{ methods: ['GET', 'POST'], pattern: '/stats/summary', serve }];
}
