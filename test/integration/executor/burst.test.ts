/** Many pods at once, and then none: nothing of them stays. And what an executor costs that has nothing to do. */
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { connectEngine } from '../../../scripts/engine-api.ts';
import { ExecutorUnderTest, pod } from '../../support/executor-under-test.ts';

const PODS = 50;
/** Longest wait until a burst is over, and until the memory has been given back, milliseconds. */
const BURST_MS = 100_000;
const SETTLE_MS = 60_000;
/** Connections to Engine and API that wait for a minute for their next use, however many pods there were. */
const KEPT_ALIVE = 32;
const IDLE_MS = 5_000;

async function networks(): Promise<number> {
  const engine = connectEngine(process.env);
  try {
    return (JSON.parse((await engine.request('GET', '/networks')).text) as unknown[]).length;
  } finally {
    engine.close();
  }
}

test('of fifty pods made, killed and deleted at once nothing stays: no container, network, process, link or folder, no file is open for a pod, and the memory comes back', async () => {
  await using under = await ExecutorUnderTest.start({ kubernetes: true, flags: ['--log-level=warn'] });
  const worker = () => under.poll(() => under.worker(), 'there is a worker');
  const first = under.launch(pod()); // whatever is loaded for a first pod is no burst's
  await under.running(first);
  under.kill(first);
  await under.ended(first);
  await under.deleteInApi(first);
  await under.gone(first);
  const before = { ...(await worker()), networks: await networks(), files: await under.files() };

  const tasks = Array.from({ length: PODS }, () => under.launch(pod()));
  await under.until(() => tasks.every(({ taskId }) => under.states(taskId).includes('TASK_RUNNING')), 'all run', BURST_MS);
  for (const task of tasks) under.kill(task);
  await under.until(() => tasks.every(({ taskId }) => under.record(taskId)?.terminal === true), 'all are over', BURST_MS);
  for (const { taskId } of tasks) expect(under.states(taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);

  await under.until(() => under.api?.list({ group: '', resource: 'pods' }).every(({ status }) => (status as { phase: string }).phase === 'Failed') === true, 'the API knows of all');
  await Promise.all(tasks.map((task) => under.deleteInApi(task)));
  await under.poll(async () => (await under.containers()).length === 0, 'no container is left');
  expect(await networks()).toBe(before.networks);
  await under.poll(async () => (await under.files()).join() === before.files.join(), 'files are as before');
  expect(await readdir(`${under.rootDir}/pods`)).toEqual([]);
  expect((await worker()).openFiles - before.openFiles).toBeLessThanOrEqual(KEPT_ALIVE);
  await under.poll(async () => (await worker()).residentBytes <= before.residentBytes * 1.2, `at most 1.2 x ${before.residentBytes} bytes resident`, SETTLE_MS);
  const after = await worker();
  expect(after.pid).toBe(before.pid);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
});

test('an executor with nothing to do uses next to no processor time', async () => {
  await using under = await ExecutorUnderTest.start({ kubernetes: true, flags: ['--log-level=warn'] });
  const task = under.launch(pod());
  await under.running(task);
  under.kill(task);
  await under.ended(task);
  const cpu = async (): Promise<number> => (await under.poll(() => under.worker(), 'there is a worker')).cpuSeconds;
  // The first seconds go into giving memory back: it counts what comes later, as soon as there is a span that is calm.
  await under.poll(async () => {
    const before = await cpu();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS)); // the span that is measured
    return (await cpu()) - before <= (IDLE_MS / 1000) * 0.005 + 0.01;
  }, 'under 0.5 % of a core', SETTLE_MS);
  expect((await under.poll(() => under.worker(), 'there is a worker')).residentBytes).toBeLessThan(110e6);
});
