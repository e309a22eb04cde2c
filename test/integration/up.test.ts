import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { processesOfSession } from '../../bench/processes.ts';
import { connectEngine, type EngineConnection } from '../../scripts/engine-api.ts';
import { startCluster, type Cluster, type ClusterEvent, type ClusterOptions } from '../../src/harness/index.ts';
import { podResource, pods } from '../../src/kubernetes/index.ts';
import type { Pod } from '../../src/pod/index.ts';

let engine: EngineConnection;
let dir: string;
let cluster: Cluster | undefined;
let events: ClusterEvent[];

beforeAll(() => {
  engine = connectEngine(process.env);
});
afterAll(() => engine.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-up-test-'));
  events = [];
});
afterEach(async () => {
  await cluster?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function up(options: Partial<ClusterOptions> = {}): Promise<Cluster> {
  // A busy machine must not make the agent kill an executor that is about to end by itself.
  cluster = await startCluster({ stateDir: dir, nodeName: 'up-test', shutdownGracePeriodMs: 60_000, onEvent: (event) => events.push(event), ...options });
  return cluster;
}

const sleeper = (name: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'c', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sleep', '600'] }] },
});

const read = (of: Cluster, name: string): Promise<Pod> => of.client.get<Pod>(podResource({ namespace: 'default', name }));
const phase = async (of: Cluster, name: string): Promise<string | undefined> => (await read(of, name)).status?.phase;

const containersOf = (uid: string): Promise<number> => containersLabelled(`io.kubernetes.pod.uid=${uid}`);
const containersNamed = (pod: string): Promise<number> => containersLabelled(`io.kubernetes.pod.name=${pod}`);

async function containersLabelled(label: string): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
  return (JSON.parse((await engine.request('GET', `/containers/json?all=1&filters=${filters}`)).text) as unknown[]).length;
}

const SOON = { timeout: 30_000, interval: 50 };

test('a pod of a manifest is bound, launched once and runs; stopping leaves neither container, process nor file', async () => {
  const up1 = await up({ manifests: [JSON.stringify(sleeper('one'))] });
  await expect.poll(() => phase(up1, 'one'), SOON).toBe('Running');
  const pod = await read(up1, 'one');
  expect(pod.spec?.nodeName).toBe('up-test');
  expect([...up1.agent.tasks.keys()]).toEqual([pod.metadata?.uid]);
  expect(await containersOf(pod.metadata?.uid ?? '')).toBe(2);

  await up1.stop();
  expect(up1.agent.tasks.get(up1.taskIdOf(pod))?.states.at(-1)).toBe('TASK_KILLED');
  expect(await containersOf(pod.metadata?.uid ?? '')).toBe(0);
  expect(processesOfSession(up1.executorPid)).toEqual([]);
  expect(await readdir(dir)).toEqual(['executor.log']);
});

test('what happens is told in order, once each', async () => {
  const up1 = await up();
  await up1.client.create(pods('default'), sleeper('told'));
  await expect.poll(() => phase(up1, 'told'), SOON).toBe('Running');
  await up1.client.delete(podResource({ namespace: 'default', name: 'told' }));
  await expect.poll(() => events.some((event) => event.kind === 'pod' && event.change === 'DELETED'), SOON).toBe(true);
  const told = (): string[] => events.filter((event) => event.kind === 'task').map((event) => `${event.pod} ${event.state}`);
  await expect.poll(told, SOON).toEqual(['told TASK_STARTING', 'told TASK_RUNNING', 'told TASK_KILLING', 'told TASK_KILLED']);
  const summaries = events.filter((event) => event.kind === 'pod').map((event) => event.summary);
  expect(summaries).toContain('1/1 Running 0');
  expect(summaries.filter((summary) => summary === '1/1 Running 0')).toHaveLength(1);
});

test('a pod that is bound to another node is left alone', async () => {
  const up1 = await up();
  const elsewhere = sleeper('elsewhere');
  await up1.client.create(pods('default'), { ...elsewhere, spec: { ...elsewhere.spec, nodeName: 'another' } });
  await up1.client.create(pods('default'), sleeper('here'));
  await expect.poll(() => phase(up1, 'here'), SOON).toBe('Running');
  expect(up1.agent.tasks.size).toBe(1);
  expect(await phase(up1, 'elsewhere')).toBe('Pending');
});

test('without binding, only what somebody bound is launched', async () => {
  const up1 = await up({ bind: false });
  const bound = sleeper('bound');
  await up1.client.create(pods('default'), sleeper('unbound'));
  await up1.client.create(pods('default'), { ...bound, spec: { ...bound.spec, nodeName: 'up-test' } });
  await expect.poll(() => phase(up1, 'bound'), SOON).toBe('Running');
  expect((await read(up1, 'unbound')).spec?.nodeName).toBeUndefined();
});

test('the kubeconfig is its owner’s alone', async () => {
  const up1 = await up();
  expect((await stat(up1.kubeconfigPath)).mode & 0o777).toBe(0o600);
});

test('an executor that dies is told with its log; its tasks fail and its containers are removed', async () => {
  const up1 = await up();
  await up1.client.create(pods('default'), sleeper('orphan'));
  await expect.poll(() => phase(up1, 'orphan'), SOON).toBe('Running');
  const pod = await read(up1, 'orphan');
  process.kill(-up1.executorPid, 'SIGKILL');
  expect(await up1.executorExit).toMatchObject({ how: 'signal SIGKILL' });
  expect(up1.agent.tasks.get(up1.taskIdOf(pod))?.states.at(-1)).toBe('TASK_FAILED');
  await up1.stop();
  expect(await containersOf(pod.metadata?.uid ?? '')).toBe(0);
});

test('files of an earlier cluster that cannot be removed are told of, and keep nobody from a new one', async () => {
  await mkdir(join(dir, 'executor/pods/-none-of-ours'), { recursive: true });
  const up1 = await up();
  const told = (): ClusterEvent[] => events.filter((event) => event.kind === 'executor' && event.message.startsWith('files of pods that are gone stay: '));
  expect(told()).toHaveLength(1);
  await up1.stop();
  expect(told()).toHaveLength(2);
});

test('two clusters do not share a state directory', async () => {
  await up();
  await expect(startCluster({ stateDir: dir, nodeName: 'second' })).rejects.toMatchObject({ code: 'conflict' });
});

test('an executor that does not start is told with what it said, and nothing stays', async () => {
  await expect(startCluster({ stateDir: dir, nodeName: 'up-test', executorArguments: ['--no-such-flag'] })).rejects.toThrow(/exit code 2[^]*no-such-flag/);
  expect(await readdir(dir)).toEqual(['executor.log']);
});

test('a cluster that is killed takes its executor and its pods with it', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/main.ts'), 'up', `--state-dir=${dir}`, '--node-name=up-test', '-f', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.end(JSON.stringify(sleeper('left-by-up')));
    await expect.poll(() => output, SOON).toContain('TASK_RUNNING');
    const session = Number(/process (\d+) started/.exec(output)?.[1]);
    expect(await containersNamed('left-by-up')).toBe(2);
    child.kill('SIGKILL');
    await expect.poll(() => processesOfSession(session).length, { timeout: 60_000, interval: 200 }).toBe(0);
    expect(await containersNamed('left-by-up')).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a cluster that is killed alone has its executor ended by the next one in its place, before that one takes the files', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/main.ts'), 'up', `--state-dir=${dir}`, '--node-name=up-test', '-f', '-'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    child.stdin.end(JSON.stringify(sleeper('left-to-the-next')));
    await expect.poll(() => output, SOON).toContain('TASK_RUNNING');
    const session = Number(/process (\d+) started/.exec(output)?.[1]);
    const supervisor = processesOfSession(session)[0]?.pid ?? -1;
    process.kill(supervisor, 'SIGSTOP'); // it does not notice, and cannot be asked: the hard way
    child.kill('SIGKILL');
    await once(child, 'exit');
    await up();
    await expect.poll(() => processesOfSession(session), SOON).toEqual([]); // dead they are; whoever inherits them buries them
    expect(await containersNamed('left-to-the-next')).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
}, 120_000);
