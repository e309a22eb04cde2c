/** What is left of a run for a person to read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResults, type SpecResult } from './junit.ts';
import type { SuiteEnd } from './suite.ts';

/** Seconds that make a spec worth a line of its own. */
const SLOWEST = 10;

/**
 * Writes `summary.txt`, `passed.txt` and `failures/*.log` into `results`, prints the summary, and returns whether all is well: specs passed,
 * none failed, the suite came to its end. `selected` is how many specs were to run.
 */
export function report(results: string, selected: number, end: SuiteEnd): boolean {
  const specs = readResults(results);
  const [passed, failed] = [specs.filter(({ state }) => state === 'passed'), specs.filter(({ state }) => state === 'failed')];
  const lines = [
    ...failed.flatMap((spec, index) => [`FAILED  ${spec.name}`, `        ${reason(spec)}`, `        ${writeFailure(results, spec, index + 1)}`]),
    'slowest:',
    ...[...specs].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST).map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`),
    ...(end.trouble === undefined ? [] : [end.trouble]),
    `log: ${end.log}`,
    `${passed.length} passed, ${failed.length} failed, ${Math.max(0, selected - specs.length)} skipped`,
  ];
  writeFileSync(join(results, 'summary.txt'), `${lines.join('\n')}\n`);
  writeFileSync(join(results, 'passed.txt'), passed.map(({ name }) => `${name}\n`).join(''));
  console.log(lines.join('\n'));
  return failed.length === 0 && passed.length > 0 && end.trouble === undefined;
}

/** The first words of the failure: what follows the place in the source. */
function reason({ message }: SpecResult): string {
  return message.replace(/^\S+:\d+\n/, '').replaceAll(/\s+/g, ' ').slice(0, 300);
}

function writeFailure(results: string, { name, seconds, message, output }: SpecResult, number: number): string {
  const folder = join(results, 'failures');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${number}-${name.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 120)}.log`);
  writeFileSync(file, `${name}\n${seconds.toFixed(1)} s\n\n${message}\n\n${output}\n`);
  return file;
}
