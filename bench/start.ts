/**
 * How long a pod takes from its creation in the API until both sides say that it runs, beside what the Docker Engine itself needs for
 * its two containers: bare calls over one kept-alive connection, in turns with the pods. Exit 1 when the ratio of the medians is
 * above 1.5. Flags: --runs=20, --warm-up=3.
 */
import { connectEngine } from '../scripts/engine-api.ts';
import { BarePod } from './bare-pod.ts';
import { BenchCluster } from './bench-cluster.ts';
import { median, numberFlag, quantile } from './figures.ts';

const PROMISED_RATIO = 1.5;
const runs = numberFlag('runs', 20);
const warmUp = numberFlag('warm-up', 3);
process.exitCode = (await bench()) <= PROMISED_RATIO ? 0 : 1;

async function bench(): Promise<number> {
  const engine = connectEngine(process.env);
  await using pods = await BenchCluster.start();
  await pods.create('model');
  await pods.running('model');
  const bare = await BarePod.like(engine, pods.get('model')?.metadata?.uid ?? '');
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = -warmUp; run < runs; run++) {
    const [a, b] = [await podTime(pods, `bench-${run + warmUp}`), await bareTime(bare)];
    if (run < 0) continue;
    ours.push(a);
    theirs.push(b);
  }
  engine.close();
  const ratio = median(ours) / median(theirs);
  const line = (what: string, samples: readonly number[]): string =>
    `  ${what.padEnd(52)} median ${median(samples).toFixed(0).padStart(5)} ms   p90 ${quantile(samples, 0.9).toFixed(0).padStart(5)} ms`;
  console.log(`Start of a pod with one container, ${runs} runs after ${warmUp} for warming up:`);
  console.log(line('POST of the pod -> Ready in the API and TASK_RUNNING', ours));
  console.log(line('Docker Engine alone: 2 x create, start', theirs));
  console.log(`  ratio of the medians ${ratio.toFixed(2)} (promised: at most ${PROMISED_RATIO})`);
  return ratio;
}

async function podTime(pods: BenchCluster, name: string): Promise<number> {
  const began = performance.now();
  await pods.create(name);
  await pods.running(name);
  const took = performance.now() - began;
  const taskId = pods.get(name)?.metadata?.uid ?? '';
  await pods.delete(name);
  await pods.gone(name, taskId);
  return took;
}

async function bareTime(bare: BarePod): Promise<number> {
  const began = performance.now();
  const remove = await bare.start();
  const took = performance.now() - began;
  await remove();
  return took;
}
