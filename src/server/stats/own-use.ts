import type { Clock } from '../../base/index.ts';
import type { CgroupSample } from './samples.ts';
import { rate } from './sampler.ts';

/** What this process uses. */
export class OwnUse {
  readonly #clock: Clock;
  readonly startedAt: number;
  #before: CgroupSample;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.startedAt = clock.now() - process.uptime() * 1000;
    // The first rate is that since the start of the process.
    this.#before = { at: this.startedAt, cpu: { usageNs: 0 }, memory: { usage: 0, workingSet: 0 }, io: [] };
  }

  measure(): { readonly sample: CgroupSample; readonly nanoCores: number } {
    const { user, system } = process.cpuUsage();
    const resident = process.memoryUsage.rss();
    const sample: CgroupSample = { at: this.#clock.now(), cpu: { usageNs: (user + system) * 1000 }, memory: { usage: resident, workingSet: resident, rss: resident }, io: [] };
    const nanoCores = rate(this.#before, sample);
    this.#before = sample;
    return { sample, nanoCores };
  }
}
