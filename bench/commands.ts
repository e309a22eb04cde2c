/** Programs that are measured against each other: how long they run and how much of the processor they use. */
import { spawn, spawnSync } from 'node:child_process';
import { median } from './figures.ts';

export interface Cost {
  /** Wall clock, seconds. */
  readonly seconds: number;
  /** Of the program and its children, seconds; not of the servers behind it. */
  readonly cpuSeconds: number;
}

export interface Command {
  readonly words: readonly string[];
  /** A file for its standard input. */
  readonly input?: string;
  /** Both ends are pipes, with `cat` at the other side; its time counts. */
  readonly piped?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Throws when one of them is not on PATH. */
export function needPrograms(...names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length > 0) throw new Error(`this bench needs ${missing.join(' and ')} on PATH`);
}

/** Runs a command to its end, its output thrown away. Rejects when it fails. */
export function cost({ words, input = '/dev/null', piped = false, environment }: Command): Promise<Cost> {
  // bash tells what a child used; Node does not.
  const run = piped ? 'cat "$INPUT" | "$@" 2>/dev/null | cat >/dev/null' : '"$@" <"$INPUT" >/dev/null 2>&1';
  const script = `set -o pipefail; TIMEFORMAT='%R %U %S'; time ${run}`;
  const child = spawn('bash', ['-c', script, 'bench', ...words], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LC_ALL: 'C', ...environment, INPUT: input } });
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const [seconds = Number.NaN, user = Number.NaN, system = Number.NaN] = told.trim().split(' ').map(Number);
      if (code !== 0 || Number.isNaN(seconds)) reject(new Error(`${words.join(' ')} failed (${code}): ${told}`));
      else resolve({ seconds, cpuSeconds: user + system });
    });
  });
}

export interface Compared {
  readonly ours: readonly Cost[];
  readonly theirs: readonly Cost[];
}

/** Runs both in turns, after one run of each that does not count. */
export async function inTurns(runs: number, ours: () => Promise<Cost>, theirs: () => Promise<Cost>): Promise<Compared> {
  const all = { ours: [] as Cost[], theirs: [] as Cost[] };
  for (let run = -1; run < runs; run++) {
    const [a, b] = [await ours(), await theirs()];
    if (run < 0) continue;
    all.ours.push(a);
    all.theirs.push(b);
  }
  return all;
}

/** What kubectl and docker need to start and end without asking anybody. */
export function programsAlone(runs: number): Promise<Compared> {
  return inTurns(runs, () => cost({ words: ['kubectl', 'version', '--client'] }), () => cost({ words: ['docker', '--version'] }));
}

export const seconds = (costs: readonly Cost[]): number => median(costs.map((one) => one.seconds));
export const cpu = (costs: readonly Cost[]): number => median(costs.map((one) => one.cpuSeconds));
