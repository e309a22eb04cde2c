/**
 * `kubectl exec` through the API and the node, beside `docker exec` of the same commands in the same container, in turns: bytes through a pipe out of
 * and into a container, a command that does nothing, many at once. Exit 1 when bytes flow at less than half the speed of `docker exec`.
 * Flags: --megabytes=100, --runs=5, --parallel=50; --kubeconfig=FILE for the cluster of a node on this machine's Engine instead of a `km up`, --kubectl=PROGRAM.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cost, cpu, inTurns, needPrograms, programsAlone, seconds, type Compared, type Cost } from './commands.ts';
import { clusterOf, ownCluster } from './exec-target.ts';
import { median, numberFlag, textFlag } from './figures.ts';

const PROMISED_SHARE = 0.5;
const megabytes = numberFlag('megabytes', 100);
const runs = numberFlag('runs', 5);
const parallel = numberFlag('parallel', 50);
const program = textFlag('kubectl') ?? 'kubectl';
const kubeconfig = textFlag('kubeconfig');
needPrograms(program, 'docker');

const dir = mkdtempSync(join(tmpdir(), 'km-bench-exec-'));
const input = join(dir, 'input');
execFileSync('sh', ['-c', `head -c ${megabytes}000000 /dev/urandom > ${input}`]);
await using target = kubeconfig === undefined ? await ownCluster() : clusterOf(kubeconfig, program);
const environment = { KUBECONFIG: target.kubeconfig };

const bulk = (file?: string): { input?: string; piped?: boolean } => (file === undefined ? {} : { input: file, piped: true });
const kubectl = (flags: readonly string[], command: readonly string[], file?: string): Promise<Cost> =>
  cost({ words: [program, 'exec', ...flags, target.pod, '--', ...command], environment, ...bulk(file) });
const docker = (flags: readonly string[], command: readonly string[], file?: string): Promise<Cost> =>
  cost({ words: ['docker', 'exec', ...flags, target.containerId, ...command], ...bulk(file) });

console.log(`kubectl exec through API and node, beside docker exec; medians of ${runs} runs in turns:`);
const shares = [
  await throughput('out of the container', [], ['head', '-c', `${megabytes}000000`, '/dev/zero'], '/dev/null'),
  await throughput('into the container', ['-i'], ['sh', '-c', 'cat > /dev/null'], input),
];
await latency();
await many();
rmSync(dir, { recursive: true });
process.exitCode = shares.every((share) => share >= PROMISED_SHARE) ? 0 : 1;

/** Prints and returns our speed as a share of theirs. The servers' time is what they used while ours ran. */
async function throughput(what: string, flags: readonly string[], command: readonly string[], file: string): Promise<number> {
  const used: Record<string, number[]> = {};
  const compared = await inTurns(runs, async () => {
    const before = target.cpuSeconds();
    const one = await kubectl(flags, command, file);
    for (const [name, after] of Object.entries(target.cpuSeconds())) (used[name] ??= []).push(after - (before[name] ?? 0));
    return one;
  }, () => docker(flags, command, file));
  const { ours, theirs } = compared;
  const speed = (costs: readonly Cost[]): string => `${(megabytes / seconds(costs)).toFixed(0)} MB/s`;
  const share = seconds(theirs) / seconds(ours);
  const servers = Object.entries(used).map(([name, all]) => `, ${name} ${median(all.slice(1)).toFixed(2)} s`);
  console.log(`  ${`${megabytes} MB ${what}`.padEnd(32)} kubectl ${speed(ours).padStart(9)}   docker ${speed(theirs).padStart(9)}   share ${share.toFixed(2)} (promised: at least ${PROMISED_SHARE})`);
  console.log(`  ${''.padEnd(32)} cpu: kubectl ${cpu(ours).toFixed(2)} s${servers.join('')}; docker ${cpu(theirs).toFixed(2)} s`);
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
