/** What a run of the end-to-end suite is to be, from the environment of `make conformance`. */
import { join } from 'node:path';

export interface Options {
  /** Regular expressions of ginkgo over the full name of a spec. */
  readonly focus: string;
  readonly skip: string;
  /** Specs that run at a time. */
  readonly parallel: number;
  /** After so long whatever still runs is stopped, milliseconds. */
  readonly limitMs: number;
  /** Where the programs are. */
  readonly bin: string;
  /** Where the results go; emptied first. */
  readonly results: string;
}

/** The specs of what a user does with a running pod: logs, exec, attach, port-forward, copy, proxy. */
const FOCUS = [
  'Kubectl client (Simple pod|Kubectl (logs|copy|run pod)|Proxy server)',
  'Kubectl Port forwarding',
  '\\[sig-network\\] Proxy',
  'PrivilegedPod',
  'should support (remote command execution|retrieving logs from the container) over websockets',
].join('|');

/** `in-cluster config`: its pod reaches the API by the address of a service, which takes kube-proxy. */
const SKIP = '\\[Slow\\]|\\[Serial\\]|\\[Disruptive\\]|\\[Flaky\\]|should handle in-cluster config';

const LIMIT_MINUTES = 60;

/** Throws what a person can mend: a number that is none. Empty variables count as absent, as make sets them. */
export function readOptions(env: NodeJS.ProcessEnv): Options {
  const text = (name: string, preset: string): string => (env[name] === undefined || env[name] === '' ? preset : env[name]);
  const count = (name: string, preset: number): number => {
    const value = text(name, String(preset));
    if (!/^[1-9]\d{0,3}$/.test(value)) throw new Error(`${name} is ${value}: want a whole number from 1`);
    return Number(value);
  };
  return {
    focus: text('FOCUS', FOCUS),
    skip: text('SKIP', SKIP),
    parallel: count('NODES', 1),
    limitMs: count('MINUTES', LIMIT_MINUTES) * 60_000,
    bin: join(text('KM_CACHE', ''), 'kubernetes/bin'),
    results: join(import.meta.dirname, '../../conformance'),
  };
}
