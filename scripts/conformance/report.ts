/** What is left of a run for a person to read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResults, type SpecResult } from './junit.ts';
import type { Selection } from './selection.ts';
import type { SuiteEnd } from './suite.ts';

/** How many of the slowest specs are told. */
const SLOWEST = 10;

/** How a run compares with the list. */
export interface Verdict {
  readonly passed: readonly SpecResult[];
  readonly failed: readonly SpecResult[];
  /** Expected to pass, and neither passed nor failed: it skipped itself, or its turn did not come. */
  readonly missing: readonly string[];
  /** Passed though the list says that it cannot here. */
  readonly unexpected: readonly string[];
  /** All that did not run: `missing`, what the machine cannot pass, and for a whole run what the list leaves out. */
  readonly skipped: number;
}

export function judge({ specs, leftOut, expected, whole }: Selection, results: readonly SpecResult[]): Verdict {
  const ran = new Set(results.map(({ name }) => name));
  const [passed, failed] = [results.filter(({ state }) => state === 'passed'), results.filter(({ state }) => state === 'failed')];
  const away = specs.filter((name) => !ran.has(name));
  const omitted = whole ? [...expected.values()].filter(({ outcome }) => outcome === 'skipped').length : 0;
  return {
    passed,
    failed,
    missing: away.filter((name) => expected.get(name)?.outcome === 'passed'),
    unexpected: passed.map(({ name }) => name).filter((name) => expected.get(name)?.outcome === 'skipped'),
    skipped: away.length + leftOut.size + omitted,
  };
}

/**
 * Writes `summary.txt`, `passed.txt` and `failures/*.log` into `results`, prints the summary, and returns whether all is well: specs passed,
 * none fell below the list, the suite came to its end. `failures` are of what was tried beside it.
 */
export function report(results: string, selection: Selection, end: SuiteEnd, failures: readonly SpecResult[] = []): boolean {
  const ran = [...readResults(results), ...failures];
  const { passed, failed, missing, unexpected, skipped } = judge(selection, ran);
  const lines = [
    ...(selection.whole ? areas(selection, passed) : []),
    'slowest:',
    ...ran.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST).map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`),
    ...unexpected.map((name) => `UNEXPECTED  passed, which the list does not expect: ${name}`),
    ...(end.trouble === undefined ? missing.map((name) => `NOT RUN  ${name}`) : []), // else most are, and one knows why
    ...failed.flatMap((spec, index) => [`FAILED  ${spec.name}`, `        ${reason(spec)}`, `        ${writeFailure(results, spec, index + 1)}`]),
    ...(end.trouble === undefined ? [] : [end.trouble]),
    `log: ${end.logs.join(', ')}`,
    `${passed.length} passed, ${failed.length} failed, ${skipped} skipped`,
  ];
  writeFileSync(join(results, 'summary.txt'), `${lines.join('\n')}\n`);
  writeFileSync(join(results, 'passed.txt'), passed.map(({ name }) => `${name}\n`).join(''));
  console.log(lines.join('\n'));
  return failed.length === 0 && missing.length === 0 && passed.length > 0 && end.trouble === undefined;
}

/** A table, as documents have it: area, passed, skipped. */
function areas({ expected }: Selection, passed: readonly SpecResult[]): string[] {
  const good = new Set(passed.map(({ name }) => name));
  const rows = [...Map.groupBy(expected, ([, { area }]) => area)].map(([area, specs]) => {
    const count = specs.filter(([name]) => good.has(name)).length;
    return `| ${area} | ${count} | ${specs.length - count} |`;
  });
  return ['| area | passed | skipped or failed |', '|---|---|---|', ...rows];
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
