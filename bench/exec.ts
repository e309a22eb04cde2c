/**
 * `kubectl exec` through the API and the node, beside `docker exec` of the same commands in the same container, in turns: bytes through a pipe out of
 * and into a container, a command that does nothing, many at once. Exit 1 when bytes flow at less than half the speed of `docker exec`.
 * Flags: --megabytes=100, --runs=5, --parallel=50.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BenchCluster, shellPod } from './bench-cluster.ts';
import { cost, cpu, inTurns, needPrograms, programsAlone, seconds, type Compared, type Cost } from './commands.ts';
import { numberFlag } from './figures.ts';
import { totals } from './processes.ts';

const PROMISED_SHARE = 0.5;
const megabytes = numberFlag('megabytes', 100);
const runs = numberFlag('runs', 5);
const parallel = numberFlag('parallel', 50);
needPrograms('kubectl', 'docker');

const dir = mkdtempSync(join(tmpdir(), 'km-bench-exec-'));
const input = join(dir, 'input');
execFileSync('sh', ['-c', `head -c ${megabytes}000000 /dev/urandom > ${input}`]);
await using pods = await BenchCluster.start();
await pods.create('bench', shellPod('bench', 'sleep 100000'));
await pods.running('bench');
const id = (pods.get('bench')?.status?.containerStatuses?.[0]?.containerID ?? '').replace('docker://', '');
const environment = { KUBECONFIG: pods.cluster.kubeconfigPath };

const bulk = (file?: string): { input?: string; piped?: boolean } => (file === undefined ? {} : { input: file, piped: true });
const kubectl = (flags: readonly string[], command: readonly string[], file?: string): Promise<Cost> =>
  cost({ words: ['kubectl', 'exec', ...flags, 'bench', '--', ...command], environment, ...bulk(file) });
const docker = (flags: readonly string[], command: readonly string[], file?: string): Promise<Cost> =>
  cost({ words: ['docker', 'exec', ...flags, id, ...command], ...bulk(file) });

console.log(`kubectl exec through API and node, beside docker exec; medians of ${runs} runs in turns:`);
const shares = [
  await throughput('out of the container', [], ['head', '-c', `${megabytes}000000`, '/dev/zero'], '/dev/null'),
  await throughput('into the container', ['-i'], ['sh', '-c', 'cat > /dev/null'], input),
];
await latency();
await many();
rmSync(dir, { recursive: true });
process.exitCode = shares.every((share) => share >= PROMISED_SHARE) ? 0 : 1;

/** Processor time of this process, in which the embedded API is. */
function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Prints and returns our speed as a share of theirs. The executor's time is what it used while ours ran. */
async function throughput(what: string, flags: readonly string[], command: readonly string[], file: string): Promise<number> {
  const executor: number[] = [];
  const api: number[] = [];
  const compared = await inTurns(runs, async () => {
    const before = totals(pods.cluster.executorPid).cpuSeconds;
    const apiBefore = ownSeconds();
    const one = await kubectl(flags, command, file);
    executor.push(totals(pods.cluster.executorPid).cpuSeconds - before);
    api.push(ownSeconds() - apiBefore);
    return one;
  }, () => docker(flags, command, file));
  const { ours, theirs } = compared;
  const speed = (costs: readonly Cost[]): string => `${(megabytes / seconds(costs)).toFixed(0)} MB/s`;
  const share = seconds(theirs) / seconds(ours);
  const mean = (all: readonly number[]): string => (all.slice(1).reduce((sum, one) => sum + one, 0) / runs).toFixed(2);
  console.log(`  ${`${megabytes} MB ${what}`.padEnd(32)} kubectl ${speed(ours).padStart(9)}   docker ${speed(theirs).padStart(9)}   share ${share.toFixed(2)} (promised: at least ${PROMISED_SHARE})`);
  console.log(`  ${''.padEnd(32)} cpu: kubectl ${cpu(ours).toFixed(2)} s, API ${mean(api)} s, executor ${mean(executor)} s; docker ${cpu(theirs).toFixed(2)} s`);
  return share;
}

async function latency(): Promise<void> {
  print('a command that does nothing', await inTurns(runs * 3, () => kubectl([], ['true']), () => docker([], ['true'])));
  print('of that the programs themselves', await programsAlone(runs * 3));
}

async function many(): Promise<void> {
  const all = (one: () => Promise<Cost>) => async (): Promise<Cost> => {
    const began = performance.now();
    const costs = await Promise.all(Array.from({ length: parallel }, one));
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: costs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) };
  };
  print(`${parallel} of them at once`, await inTurns(Math.max(1, Math.ceil(runs / 3)), all(() => kubectl([], ['true'])), all(() => docker([], ['true']))));
}

function print(what: string, { ours, theirs }: Compared): void {
  const ms = (costs: readonly Cost[]): string => `${(seconds(costs) * 1000).toFixed(0)} ms`;
  console.log(`  ${what.padEnd(32)} kubectl ${ms(ours).padStart(9)}   docker ${ms(theirs).padStart(9)}   ratio ${(seconds(ours) / seconds(theirs)).toFixed(2)}   cpu: kubectl ${cpu(ours).toFixed(2)} s, docker ${cpu(theirs).toFixed(2)} s`);
}
