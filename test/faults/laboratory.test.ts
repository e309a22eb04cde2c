/** The short part of the fault laboratory: `npm run faults` runs the rest (docs/development.md). */
import { describe, expect, test } from 'vitest';
import { READERS } from './fuzz/readers.ts';
import { allPoints, runPoint } from './points/run-points.ts';
import { SCENARIOS } from './points/scenarios.ts';
import { runSeed } from './run-seed.ts';

const SEED = Number(process.env.KM_TEST_SEED ?? Date.now() % 1_000_000);
/** Every so many points; another part of them each time. */
const EVERY = 200;

describe('whatever happens, in any order, all promises hold', () => {
  test.concurrent.each([1, 2, 3, 4])('with chance behind it (%i)', async (nth) => {
    const seed = SEED + nth;
    const { faults, log } = await runSeed(seed, 'stand-in');
    expect(faults, `npm run faults -- --seed ${seed}\n${log.slice(-4000)}`).toEqual([]);
  }, 300_000);
});

test('a worker that dies before, behind or in the middle of a call breaks no promise', async () => {
  const all = await allPoints(SCENARIOS);
  expect(all.length).toBeGreaterThan(500);
  const some = all.filter((_, n) => (n + SEED) % EVERY === 0);
  const queue = some.values();
  const broken: string[] = [];
  await Promise.all(Array.from({ length: 6 }, async () => {
    for (const { scenario, point } of queue) {
      const { faults } = await runPoint(scenario, point);
      if (faults.length > 0) broken.push(`npm run faults -- --points --scenario ${scenario.name} --point '${point.name} ${point.nth} ${point.when}': ${faults.join('; ')}`);
    }
  }));
  expect(broken).toEqual([]);
}, 300_000);

test.each(READERS.map(({ name, fuzz }) => [name, fuzz] as const))('bytes that make no sense to %s are refused', async (_, fuzz) => {
  await fuzz(300, SEED);
});
