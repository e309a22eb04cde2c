/** `npm run faults -- --seeds 1000 [--first N] [--engine real] [--jobs N]`, or `--seed N` to see one again. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Outcome, runSeed } from './run-seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    engine: { type: 'string', default: 'stand-in' },
    jobs: { type: 'string', default: '6' },
  },
});
const engine = values.engine === 'real' ? 'real' : 'stand-in';
const logs = join(import.meta.dirname, '../../build/faults');
mkdirSync(logs, { recursive: true });

const first = Number(values.seed ?? values.first);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const began = Date.now();
let next = first;
let failed = 0;
let done = 0;
let cpu = 0;

function report({ schedule, faults, log, cpuSeconds }: Outcome): void {
  done++;
  cpu += cpuSeconds;
  const file = join(logs, `${engine}-${schedule.seed}.log`);
  if (faults.length > 0 || values.seed !== undefined) writeFileSync(file, log);
  if (faults.length === 0) {
    if (done % 20 === 0 || count === 1) console.log(`${done} of ${count} done, ${failed} failed, ${((Date.now() - began) / 1000).toFixed(0)} s`);
    return;
  }
  failed++;
  console.log(`seed ${schedule.seed} FAILED (npm run faults -- --seed ${schedule.seed}${engine === 'real' ? ' --engine real' : ''}; log: ${file})`);
  for (const fault of faults) console.log(`  ${fault}`);
  console.log(schedule.steps.map((step) => `    ${JSON.stringify(step)}`).join('\n'));
}

async function job(): Promise<void> {
  while (next < first + count) report(await runSeed(next++, engine));
}

await Promise.all(Array.from({ length: Number(values.jobs) }, job));
const seconds = (Date.now() - began) / 1000;
const own = process.cpuUsage();
console.log(`${done} seeds on the ${engine} Engine: ${failed} failed; ${seconds.toFixed(0)} s, CPU ${(cpu + (own.user + own.system) / 1e6).toFixed(0)} s`);
process.exit(failed > 0 ? 1 : 0);
