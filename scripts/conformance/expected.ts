/** The specs that are run, and what comes of each: test/conformance/expected.tsv. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Expectation {
  /** `skipped`: it cannot pass here, or its subject is no node's; it is not run with the rest. */
  readonly outcome: 'passed' | 'skipped';
  /** Where it is not `passed`. */
  readonly why: string;
  /** The heading that it stands under. */
  readonly area: string;
}

const FOLDER = join(import.meta.dirname, '../../test/conformance');

/** By name of the spec, in the order of the file. Throws with the line that is none of: empty, `# AREA`, `SPEC<tab>OUTCOME<tab>WHY`. */
export function readExpected(text = readFileSync(join(FOLDER, 'expected.tsv'), 'utf8')): ReadonlyMap<string, Expectation> {
  const expected = new Map<string, Expectation>();
  let area = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    if (line.startsWith('# ')) {
      area = line.slice(2);
      continue;
    }
    const [spec = '', outcome = '', why = '', ...more] = line.split('\t');
    const sound = (outcome === 'passed' && why === '') || (outcome === 'skipped' && why !== '');
    if (area === '' || !sound || more.length > 0 || expected.has(spec)) throw new Error(`test/conformance/expected.tsv:${index + 1}: want a heading, then SPEC, passed or skipped, WHY; each spec once`);
    expected.set(spec, { outcome, why, area });
  }
  return expected;
}

/** The specs of the quick run, one a line. */
export function readSmoke(text = readFileSync(join(FOLDER, 'smoke.txt'), 'utf8')): string[] {
  return text.split('\n').filter((line) => line !== '');
}
