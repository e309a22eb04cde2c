/**
 * Many pods created at once and deleted at once, and what is left of them: containers, networks, processes, open files, resident
 * memory. Exit 1 when anything is left, or the memory is not back within 20 % of where it began. Flags: --pods=50, --rounds=1,
 * --settle=90 (longest wait, seconds: idle connections are kept for up to a minute).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectEngine } from '../scripts/engine-api.ts';
import { BenchCluster } from './bench-cluster.ts';
import { numberFlag } from './figures.ts';
import { totals, type Totals } from './processes.ts';

const PROMISED_GROWTH = 1.2;
const count = numberFlag('pods', 50);
const rounds = numberFlag('rounds', 1);
const settle = numberFlag('settle', 90);

interface Seen extends Totals {
  readonly containers: number;
  readonly networks: number;
}

const engine = connectEngine(process.env);
await using pods = await BenchCluster.start();
await sleep(5_000);
const before = await look();
for (let round = 0; round < rounds; round++) await burst(round);
const full = await look();
let after = full;
for (let waited = 0; waited < settle && leftovers(after).length > 0; waited += 5) {
  await sleep(5_000);
  after = await look();
}
engine.close();
for (const [when, seen] of [['before', before], ['just after', full], ['in the end', after]] as const) {
  console.log(
    `  ${when.padEnd(11)} ${seen.containers} containers, ${seen.networks} networks, ${seen.processes} processes, ${seen.openFiles} open files, ${seen.threads} threads, ${seen.residentMB.toFixed(1)} MB resident`,
  );
}
const left = leftovers(after);
console.log(left.length === 0 ? `Nothing is left of ${count * rounds} pods.` : `Left: ${left.join(', ')}.`);
process.exitCode = left.length === 0 ? 0 : 1;

async function burst(round: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `burst-${round}-${index}`);
  const began = performance.now();
  const since = (): string => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  await Promise.all(names.map((name) => pods.create(name)));
  await Promise.all(names.map((name) => pods.running(name)));
  console.log(`Burst ${round + 1}: ${count} pods run after ${since()}`);
  const tasks = new Map(names.map((name) => [name, pods.get(name)?.metadata?.uid ?? '']));
  await Promise.all(names.map((name) => pods.delete(name)));
  await Promise.all(names.map((name) => pods.gone(name, tasks.get(name) ?? '')));
  console.log(`Burst ${round + 1}: all gone after ${since()}`);
}

async function look(): Promise<Seen> {
  const { frameworkId } = pods.cluster.agent.identity;
  const filters = encodeURIComponent(JSON.stringify({ label: [`km.mesos.framework-id=${frameworkId}`] }));
  const containers = await engine.request('GET', `/containers/json?all=1&filters=${filters}`);
  const networks = await engine.request('GET', '/networks');
  return { ...totals(pods.cluster.executorPid), containers: length(containers.text), networks: length(networks.text) };
}

function leftovers(now: Seen): string[] {
  const more = (['containers', 'networks', 'processes', 'openFiles', 'threads'] as const)
    .filter((what) => now[what] > before[what])
    .map((what) => `${now[what] - before[what]} more ${what === 'openFiles' ? 'open files' : what}`);
  const growth = now.residentMB / before.residentMB;
  return growth <= PROMISED_GROWTH ? more : [...more, `resident memory at ${Math.round(growth * 100)} %`];
}

function length(text: string): number {
  return (JSON.parse(text) as unknown[]).length;
}
