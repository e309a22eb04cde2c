/** Which specs a run is about. */
import { readExpected, readSmoke, type Expectation } from './expected.ts';
import type { Options } from './options.ts';
import { listSpecs } from './suite.ts';
import { unableHere } from './unable-here.ts';

export interface Selection {
  /** Names of the specs to run. */
  readonly specs: readonly string[];
  /** Of those that this machine cannot pass, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly expected: ReadonlyMap<string, Expectation>;
  /** All that the list expects to pass, on a machine that can: then the list's own omissions count too. */
  readonly whole: boolean;
}

/** Throws when nothing is left to run, or when the list names a spec that the suite does not have. `port` is that of the node's API. */
export function select({ bin, focus, skip, list }: Options, port: number): Selection {
  const expected = readExpected();
  const there = new Set(listSpecs(bin, focus ?? '.', skip));
  const listed = list === 'smoke' ? readSmoke() : [...expected].filter(([, { outcome }]) => outcome === 'passed').map(([name]) => name);
  const unknown = focus === undefined && skip === '' ? listed.filter((name) => !there.has(name)) : [];
  if (unknown.length > 0) throw new Error(`the suite has no such spec:\n${unknown.map((name) => `  ${name}`).join('\n')}`);
  const wanted = focus === undefined ? listed.filter((name) => there.has(name)) : [...there];
  const unable = unableHere(port);
  const leftOut = new Map(wanted.flatMap((name) => unable.filter(({ spec }) => name.includes(spec)).map(({ why }) => [name, why] as const)));
  const specs = wanted.filter((name) => !leftOut.has(name));
  if (specs.length === 0) throw new Error(`FOCUS and SKIP leave no spec to run:\n  ${focus ?? ''}\n  ${skip}`);
  return { specs, leftOut, expected, whole: focus === undefined && list === 'all' };
}
