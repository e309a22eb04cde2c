/**
 * `npm run faults -- --seeds 1000` runs seeded schedules, `--points` the crashes at every point of a few lives of
 * pods, `--fuzz 1000000` so many inputs for each reader. See docs/development.md.
 */
import { parseArgs } from 'node:util';
import { campaign, type Run } from './campaign.ts';
import type { EngineKind } from './lab-engine.ts';
import { runFuzz } from './fuzz/run-fuzz.ts';
import { allPoints, parsePoint, runPoint } from './points/run-points.ts';
import { SCENARIOS } from './points/scenarios.ts';
import { runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    engine: { type: 'string', default: 'stand-in' },
    points: { type: 'boolean', default: false },
    scenario: { type: 'string' },
    point: { type: 'string' },
    every: { type: 'string', default: '1' },
    fuzz: { type: 'string' },
    jobs: { type: 'string', default: '6' },
  },
});

const engine: EngineKind = values.engine === 'real' ? 'real' : 'stand-in';

function seeds(): Run[] {
  const first = Number(values.seed ?? values.first);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  return Array.from({ length: count }, (_, n) => first + n).map((seed) => ({
    name: `${engine} seed ${seed}`,
    again: `--seed ${seed}${engine === 'real' ? ' --engine real' : ''}`,
    run: async () => {
      const outcome = await runSeed(seed, engine);
      return { ...outcome, story: outcome.schedule.steps.map((step) => JSON.stringify(step)) };
    },
  }));
}

async function points(): Promise<Run[]> {
  const wanted = SCENARIOS.filter(({ name }) => values.scenario === undefined || name === values.scenario);
  const all = values.point === undefined ? await allPoints(wanted) : wanted.map((scenario) => ({ scenario, point: parsePoint(values.point ?? '') }));
  console.log(`${all.length} points in ${wanted.length} scenarios`);
  return all.filter((_, n) => n % Number(values.every) === 0).map(({ scenario, point }) => {
    const text = `${point.name} ${point.nth} ${point.when}`;
    return {
      name: `${scenario.name} ${text}`,
      again: `--points --scenario ${scenario.name} --point '${text}'`,
      run: async () => ({ ...(await runPoint(scenario, point)), story: [] }),
    };
  });
}

const one = values.seed !== undefined || values.point !== undefined;
const failed = values.fuzz === undefined
  ? await campaign(values.points ? await points() : seeds(), { jobs: Number(values.jobs), keepLogs: one })
  : await runFuzz(Number(values.fuzz), Number(values.first));
process.exit(failed > 0 ? 1 : 0);
