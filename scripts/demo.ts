/**
 * The getting-started page of Kubernetes on Mesos, played on this machine: an nginx pod from `kubectl create` to TASK_KILLED.
 * Needs a Docker Engine (DOCKER_HOST) with the images. Exit 0 when every step was as it should be and nothing is left behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDemoCluster, type DemoCluster } from './demo-cluster.ts';
import { podCommands } from './demo-kubectl.ts';
import { connectEngine } from './engine-api.ts';

const POD_FILE = join(import.meta.dirname, '../docs/nginx.yaml');
const NODE = 'demo-node';

const times: [string, number][] = [];
const engine = connectEngine(process.env);
const dir = mkdtempSync(join(tmpdir(), 'km-demo-'));
let cluster: DemoCluster | undefined;
try {
  await demo();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
  await cluster?.stop();
} finally {
  engine.close();
  rmSync(dir, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  console.log('Kubernetes on Mesos: an nginx pod, from creation to its end.\n');
  const up = await step('cluster', 'A cluster on this machine: emulated Mesos agent, Kubernetes API, km executor', '$ km up', async () => {
    cluster = await startDemoCluster(dir, NODE);
    show(cluster.lines.join('\n'));
    return cluster;
  });
  const commands = await podCommands(up.kubeconfig, join(dir, 'kubectl-cache'));
  const say = (command: string): string => (commands.kubectl ? `$ kubectl ${command}` : `kubectl ${command} (over the API: there is no kubectl here)`);

  await step('pod running', 'A pod, as any user creates it', say('create -f docs/nginx.yaml'), async () => {
    show(await commands.create(POD_FILE));
    await commands.waitUntilReady('nginx');
    show(say('get pods'));
    show(await commands.list());
  });
  const pod = await commands.get('nginx');
  const uid = pod.metadata?.uid ?? '';

  await step('page', 'The page it serves', `GET http://${pod.status?.podIP}/`, async () => {
    const { status, title } = await page(`http://${pod.status?.podIP}/`);
    show(`HTTP ${status}, "${title}"`);
    if (status !== 200) throw new Error(`the pod answered with HTTP ${status}`);
  });
  await step('both sides', 'What Kubernetes saw', say('describe pod nginx'), async () => {
    show(await commands.describeEvents('nginx'));
    show('and what Mesos saw of the task');
    show(taskLines(up).join('\n'));
  });
  await step('deletion', 'The end', say('delete pod nginx'), async () => {
    show(await commands.delete('nginx'));
    await up.line(/TASK_KILLED/);
    show(taskLines(up).slice(-2).join('\n'));
    show(`containers of the pod that are left: ${await containersOf(uid)}`);
  });
  await commands.close();

  await step('clean-up', 'Taking the cluster down', 'Ctrl-C', async () => {
    const code = await up.stop();
    const [containers, processes] = [await containersOf(uid), up.executorProcesses()];
    show(`km up ended with exit code ${code}; left behind: ${containers} containers, ${processes} processes`);
    if (code !== 0 || containers > 0 || processes > 0) throw new Error('something is left behind');
  });
  const total = times.reduce((sum, [, seconds]) => sum + seconds, 0);
  console.log(`All of it worked, in ${total.toFixed(1)} s: ${times.map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`).join(', ')}.`);
}

async function step<T>(name: string, title: string, command: string, run: () => Promise<T>): Promise<T> {
  console.log(`${times.length + 1}. ${title}`);
  show(command);
  const began = performance.now();
  const result = await run();
  const seconds = (performance.now() - began) / 1000;
  times.push([name, seconds]);
  console.log(`   ${seconds.toFixed(1)} s\n`);
  return result;
}

function show(text: string): void {
  console.log(text.replace(/^/gm, '   '));
}

function taskLines(up: DemoCluster): string[] {
  return up.lines.filter((line) => line.includes(' TASK_'));
}

/** A container that is Ready has started, which is not quite to say that its server listens: a refused connection is tried again. */
async function page(url: string): Promise<{ status: number; title: string }> {
  for (const end = Date.now() + 5_000; ; await sleep(20)) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      return { status: answer.status, title: /<title>(.*?)<\/title>/.exec(await answer.text())?.[1] ?? '' };
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

async function containersOf(uid: string): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`io.kubernetes.pod.uid=${uid}`] }));
  return (JSON.parse((await engine.request('GET', `/containers/json?all=1&filters=${filters}`)).text) as unknown[]).length;
}
