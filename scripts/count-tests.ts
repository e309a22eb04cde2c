/**
 * count-tests.ts FOLDER PROJECT...: adds up vitest's JSON reports and prints `N passed, N failed`. A project without a
 * report, or a file that did not even load, counts as a failure. Exit 1 when anything failed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

const [folder = '.', ...projects] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const project of projects) {
  const report = read(join(folder, `${project}.json`));
  passed += report?.numPassedTests ?? 0;
  failed += report === undefined ? 1 : report.numFailedTests + report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}
