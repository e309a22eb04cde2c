import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readExpected, readSmoke } from '../../../scripts/conformance/expected.ts';
import type { SpecResult } from '../../../scripts/conformance/junit.ts';
import { judge } from '../../../scripts/conformance/report.ts';
import type { Selection } from '../../../scripts/conformance/selection.ts';
import { exactly } from '../../../scripts/conformance/suite.ts';

describe('the list of expected results', () => {
  it('reads headings, outcomes and reasons', () => {
    const expected = readExpected('# Pods\n[a] runs\tpassed\n\n# Services\n[b]  routes \tskipped\tneeds kube-proxy\n');
    expect([...expected]).toEqual([
      ['[a] runs', { outcome: 'passed', why: '', area: 'Pods' }],
      ['[b]  routes ', { outcome: 'skipped', why: 'needs kube-proxy', area: 'Services' }],
    ]);
  });

  it.each([
    ['a spec without a heading', 'a\tpassed\n', 1],
    ['an outcome that is none', '# A\na\tfailed\twhy\n', 2],
    ['a skipped spec without a reason', '# A\na\tskipped\n', 2],
    ['a passed spec with one', '# A\na\tpassed\twhy\n', 2],
    ['a spec that is there twice', '# A\na\tpassed\nb\tpassed\na\tpassed\n', 4],
    ['a column too many', '# A\na\tskipped\twhy\tmore\n', 2],
  ])('refuses %s and names the line', (_, text, line) => {
    expect(() => readExpected(text)).toThrow(`expected.tsv:${line}:`);
  });

  it('as it is holds every spec of the quick run as one that passes, and those are twenty', () => {
    const [expected, smoke] = [readExpected(), readSmoke()];
    expect(smoke.filter((name) => expected.get(name)?.outcome !== 'passed')).toEqual([]);
    expect(new Set(smoke).size).toBe(20);
  });
});

describe('docs/conformance.md', () => {
  it('tells of every spec that the list leaves out, and why', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/conformance.md'), 'utf8').toLowerCase();
    const left = [...readExpected()].filter(([, { outcome }]) => outcome === 'skipped');
    expect(left.filter(([name, { why }]) => !text.includes(`- \`${name}\``.toLowerCase()) || !text.includes(`**${why}**`.toLowerCase()))).toEqual([]);
  });
});

describe('the verdict over a run', () => {
  const expected = readExpected('# A\ngood\tpassed\nbad\tpassed\nlost\tpassed\ncannot\tskipped\twhy\nomitted\tskipped\twhy\nwants a device\tpassed\n');
  const selection = (specs: string[], whole: boolean): Selection => ({ specs, expected, whole, leftOut: new Map([['wants a device', 'no such device']]) });
  const result = (name: string, state: SpecResult['state']): SpecResult => ({ name, state, seconds: 1, message: '', output: '' });

  it('tells what failed, what did not run, and what passed against expectation', () => {
    const verdict = judge(selection(['good', 'bad', 'lost', 'cannot', 'unlisted'], false), [result('good', 'passed'), result('bad', 'failed'), result('cannot', 'passed')]);
    expect(verdict).toMatchObject({ missing: ['lost'], unexpected: ['cannot'], skipped: 3 });
    expect(verdict.passed.map(({ name }) => name)).toEqual(['good', 'cannot']);
    expect(verdict.failed.map(({ name }) => name)).toEqual(['bad']);
  });

  it('counts what the list leaves out as skipped when the whole of it ran', () => {
    expect(judge(selection(['good', 'bad'], true), [result('good', 'passed'), result('bad', 'passed')])).toMatchObject({ missing: [], skipped: 3 });
  });
});

describe('the expression for exactly some specs', () => {
  it('matches them, whatever signs are in their names, and nothing that is longer', () => {
    const names = ['[k8s.io] Pods should *not* run (a|b) for /pods/{ns}/proxy? $5 ^1', 'plain'];
    const expression = new RegExp(exactly(names));
    for (const name of names) {
      expect(expression.test(`Kubernetes e2e suite [Top Level] ${name}`)).toBe(true);
      expect(expression.test(`Kubernetes e2e suite [Top Level] ${name} more`)).toBe(false);
      expect(expression.test(`Kubernetes e2e suite [Top Level] [other] ${name}`)).toBe(false);
    }
  });
});
