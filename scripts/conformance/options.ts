/** What a run of the end-to-end suite is to be, from the environment of `make conformance`. */
import { join } from 'node:path';

export interface Options {
  /** Expressions over the full name of a spec, as ginkgo takes them; without focus the specs are those of a list. */
  readonly focus: string | undefined;
  readonly skip: string;
  /** Of the specs that are expected to pass: all, or the few of the quick run. */
  readonly list: 'all' | 'smoke';
  /** Specs that run at a time. */
  readonly parallel: number;
  /** After so long whatever still runs is stopped, milliseconds. */
  readonly limitMs: number;
  /** Where the programs are. */
  readonly bin: string;
  /** Where the results go; emptied first. */
  readonly results: string;
}

/** Of a focus: those that take long or the node for themselves want to be asked for. */
const SKIP = '\\[Slow\\]|\\[Serial\\]|\\[Disruptive\\]|\\[Flaky\\]';

const PARALLEL = 4;
const LIMIT_MINUTES = 120;

/** Throws what a person can mend: a number that is none. Empty variables count as absent, as make sets them. */
export function readOptions(env: NodeJS.ProcessEnv): Options {
  const text = (name: string, preset: string): string => (env[name] === undefined || env[name] === '' ? preset : env[name]);
  const count = (name: string, preset: number): number => {
    const value = text(name, String(preset));
    if (!/^[1-9]\d{0,3}$/.test(value)) throw new Error(`${name} is ${value}: want a whole number from 1`);
    return Number(value);
  };
  const focus = text('FOCUS', '');
  return {
    focus: focus === '' ? undefined : focus,
    skip: text('SKIP', focus === '' ? '' : SKIP),
    list: text('SPECS', 'all') === 'smoke' ? 'smoke' : 'all',
    parallel: count('NODES', PARALLEL),
    limitMs: count('MINUTES', LIMIT_MINUTES) * 60_000,
    bin: join(text('KM_CACHE', ''), 'kubernetes/bin'),
    results: join(import.meta.dirname, '../../conformance'),
  };
}
