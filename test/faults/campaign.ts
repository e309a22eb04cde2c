/** Many runs, a few at a time; failing ones are printed and their logs kept. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Run {
  /** `seed 17`, `taken-up: engine.create 2 after`. */
  readonly name: string;
  /** How to see it again: arguments of `npm run faults -- ...`. */
  readonly again: string;
  readonly run: () => Promise<{ readonly faults: readonly string[]; readonly log: string; readonly cpuSeconds: number; /** What was done, a line each. */ readonly story: readonly string[] }>;
}

const LOGS = join(import.meta.dirname, '../../build/faults');
const EVERY = 25;

/** Resolves with the number of runs that broke a promise. */
export async function campaign(runs: readonly Run[], { jobs, keepLogs }: { readonly jobs: number; readonly keepLogs: boolean }): Promise<number> {
  mkdirSync(LOGS, { recursive: true });
  const began = Date.now();
  const seconds = (): string => ((Date.now() - began) / 1000).toFixed(0);
  let failed = 0;
  let done = 0;
  let cpu = 0;
  const queue = runs.values();
  const work = async (): Promise<void> => {
    for (const { name, again, run } of queue) {
      const { faults, log, cpuSeconds, story } = await run();
      done++;
      cpu += cpuSeconds;
      const file = join(LOGS, `${name.replaceAll(/[^\w.-]+/g, '-')}.log`);
      if (faults.length > 0 || keepLogs) writeFileSync(file, log);
      if (faults.length > 0) {
        failed++;
        console.log(`FAILED ${name} (npm run faults -- ${again}; log: ${file})`);
        for (const line of [...faults.map((fault) => `  ${fault}`), ...story.map((line) => `    ${line}`)]) console.log(line);
      }
      if (done % EVERY === 0 && done < runs.length) console.log(`${done} of ${runs.length} done, ${failed} failed, ${seconds()} s`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const own = process.cpuUsage();
  console.log(`${done} runs, ${failed} failed; ${seconds()} s, about ${(cpu + (own.user + own.system) / 1e6).toFixed(0)} s of CPU`);
  return failed;
}
