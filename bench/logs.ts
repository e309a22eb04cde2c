/**
 * `kubectl logs` through the API and the node, beside `docker logs` of the same container, in turns: the whole log, its last lines, and how long a
 * line takes from the container to a follower. Prints the executor's memory while it streams; exit 1 when that grows by more than 64 MB.
 * Flags: --megabytes=200, --runs=3.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BenchCluster, shellPod } from './bench-cluster.ts';
import { cost, cpu, inTurns, needPrograms, programsAlone, seconds, type Cost } from './commands.ts';
import { median, numberFlag } from './figures.ts';
import { totals } from './processes.ts';

const PROMISED_GROWTH_MB = 64;
const SAMPLE_MS = 100;
const megabytes = numberFlag('megabytes', 200);
const runs = numberFlag('runs', 3);
needPrograms('kubectl', 'docker');

const LINE = 'a line of a log as programs write them, with some words and a number in it: 0123456789';
await using pods = await BenchCluster.start(['--container-log-max-size=10000000000']);
const environment = { KUBECONFIG: pods.cluster.kubeconfigPath };
await pods.create('big', shellPod('big', `yes "${LINE}" | head -c ${megabytes}000000; sleep 1; echo; echo written; sleep 100000`));
await pods.running('big');
const id = idOf('big');
const written = spawn('kubectl', ['logs', '-f', '--tail=1', 'big'], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] });
for await (const line of createInterface(written.stdout)) if (line === 'written') written.kill();

console.log(`kubectl logs through API and node, beside docker logs; medians of ${runs} runs in turns:`);
const session = pods.cluster.executorPid;
const idle = totals(session).residentMB;
let peak = idle;
const sampler = setInterval(() => (peak = Math.max(peak, totals(session).residentMB)), SAMPLE_MS);
const executor: number[] = [];
const whole = await inTurns(runs, async () => {
  const before = totals(session).cpuSeconds;
  const one = await cost({ words: ['kubectl', 'logs', 'big'], environment });
  executor.push(totals(session).cpuSeconds - before);
  return one;
}, () => cost({ words: ['docker', 'logs', id] }));
clearInterval(sampler);
const speed = (costs: readonly Cost[]): string => `${(megabytes / seconds(costs)).toFixed(0)} MB/s`;
console.log(`  ${`a log of ${megabytes} MB`.padEnd(28)} kubectl ${speed(whole.ours).padStart(9)}   docker ${speed(whole.theirs).padStart(9)}   share ${(seconds(whole.theirs) / seconds(whole.ours)).toFixed(2)}`);
console.log(`  ${''.padEnd(28)} cpu: kubectl ${cpu(whole.ours).toFixed(2)} s, executor ${(executor.slice(1).reduce((sum, one) => sum + one, 0) / runs).toFixed(2)} s; docker ${cpu(whole.theirs).toFixed(2)} s`);
const tail = await inTurns(runs * 3, () => cost({ words: ['kubectl', 'logs', '--tail=100', 'big'], environment }), () => cost({ words: ['docker', 'logs', '--tail=100', id] }));
const ms = (costs: readonly Cost[]): string => `${(seconds(costs) * 1000).toFixed(0)} ms`;
console.log(`  ${'its last 100 lines'.padEnd(28)} kubectl ${ms(tail.ours).padStart(9)}   docker ${ms(tail.theirs).padStart(9)}   ratio ${(seconds(tail.ours) / seconds(tail.theirs)).toFixed(2)}`);
const alone = await programsAlone(runs * 3);
console.log(`  ${'of that the programs themselves'.padEnd(28)} kubectl ${ms(alone.ours).padStart(9)}   docker ${ms(alone.theirs).padStart(9)}`);
await delays();
console.log(`  executor: ${idle.toFixed(0)} MB resident before, at most ${peak.toFixed(0)} MB while streaming (promised: at most ${PROMISED_GROWTH_MB} MB more)`);
process.exitCode = peak - idle <= PROMISED_GROWTH_MB ? 0 : 1;

function idOf(name: string): string {
  return (pods.get(name)?.status?.containerStatuses?.[0]?.containerID ?? '').replace('docker://', '');
}

/** Both follow a container that writes the time ten times a second; what is told is how old a line is when it comes. */
async function delays(): Promise<void> {
  await pods.create('clock', shellPod('clock', 'while :; do cut -d" " -f1 /proc/uptime; sleep 0.1; done'));
  await pods.running('clock');
  const [ours, theirs] = await Promise.all([
    ages('kubectl', ['logs', '-f', '--tail=1', '--timestamps', 'clock']),
    ages('docker', ['logs', '-f', '--tail=1', '--timestamps', idOf('clock')]),
  ]);
  console.log(`  ${'delay of a followed line'.padEnd(28)} kubectl ${median(ours).toFixed(1).padStart(6)} ms   docker ${median(theirs).toFixed(1).padStart(6)} ms`);
}

async function ages(program: string, words: readonly string[]): Promise<number[]> {
  const child = spawn(program, words, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] });
  const samples: number[] = [];
  for await (const line of createInterface(child.stdout)) {
    samples.push(performance.timeOrigin + performance.now() - milliseconds(line.split(' ')[0] ?? ''));
    if (samples.length === 50) child.kill();
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return samples.slice(1, 50);
}

/** Of a time with nanoseconds. */
function milliseconds(time: string): number {
  return Date.parse(`${time.slice(0, 19)}Z`) + Number(`0${time.slice(19, -1)}`) * 1000;
}
