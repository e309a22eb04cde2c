/** The agent goes away and comes back, or does not; or it never acknowledges. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ExecutorUnderTest, pod, shell } from '../../support/executor-under-test.ts';

const never = { restartPolicy: 'Never' } as const;
const WAIT_FOR_STOP = 'while ! [ -e /tmp/stop ]; do sleep 0.1; done;';

describe('an agent that is killed and comes back', () => {
  test.concurrent.each([
    { notFound: 1 },
    { notFound: 3, recoveringMs: 1_000 },
    { notFound: 1, recoveringMs: 500, updatesRefusedMs: 1_500 },
  ])('%o: no update is lost or doubled, and no container notices', async (restart) => {
    await using under = await ExecutorUnderTest.start();
    const calm = under.launch(pod());
    const short = under.launch(pod(shell(`${WAIT_FOR_STOP} exit 4`), never));
    await Promise.all([calm, short].map((task) => under.running(task)));
    const before = await under.container(calm);
    await under.agent.stopListening();
    await under.exec(short, ['touch', '/tmp/stop']);
    await under.poll(async () => (await under.containers(short.uid)).length === 0, 'the job has ended and is removed');
    await under.agent.startListening(restart);
    expect(await under.ended(short)).toMatchObject({ state: 'TASK_FAILED', message: 'container main: Error, exit code 4', from: 'executor' });
    expect(under.states(short.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FAILED']);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
    expect(await under.container(calm)).toEqual(before);
    const late = under.launch(pod(shell('exit 0'), never));
    expect((await under.ended(late)).state).toBe('TASK_FINISHED');
    under.kill(calm);
    await under.ended(calm);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    await under.until(() => [...under.agent.tasks.values()].every(({ updates }) => updates.every(({ acknowledged }) => acknowledged)), 'all updates are acknowledged');
  });

  test.concurrent('five times in the middle of launches: one end each', async () => {
    await using under = await ExecutorUnderTest.start();
    const tasks = [];
    for (let round = 0; round < 5; round++) {
      const task = under.launch(pod(shell(`sleep 0.${round}; exit ${round % 2}`), never));
      tasks.push(task);
      await under.untilState(task, 'TASK_STARTING');
      await under.agent.stopListening();
      await under.agent.startListening({ notFound: 1, recoveringMs: round * 50, updatesRefusedMs: round * 50 });
      await under.until(() => under.agent.subscribed, 'it is back');
    }
    for (const [round, task] of tasks.entries()) {
      expect((await under.ended(task)).state).toBe(round % 2 === 0 ? 'TASK_FINISHED' : 'TASK_FAILED');
      expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', round % 2 === 0 ? 'TASK_FINISHED' : 'TASK_FAILED']);
    }
  });

  test.concurrent('together with the worker: all is as it was', async () => {
    await using under = await ExecutorUnderTest.start();
    const calm = under.launch(pod());
    const short = under.launch(pod(shell(`${WAIT_FOR_STOP} exit 0`), never));
    await Promise.all([calm, short].map((task) => under.running(task)));
    const before = await under.container(calm);
    await under.agent.stopListening();
    await under.killWorker();
    await under.exec(short, ['touch', '/tmp/stop']);
    await under.agent.startListening({ recoveringMs: 300 });
    expect((await under.ended(short)).state).toBe('TASK_FINISHED');
    expect(await under.container(calm)).toEqual(before);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  });
});

describe('an agent that does not come back', () => {
  test.concurrent('within the recovery timeout: the pods end, and then the executor', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { recoveryTimeout: '2secs' } });
    const task = under.launch(pod());
    await under.running(task);
    const began = Date.now();
    await under.agent.stopListening();
    const exit = await under.exit();
    expect(exit).toEqual({ code: 3, signal: null });
    expect(Date.now() - began).toBeGreaterThan(1_900);
    expect(await under.leftOvers()).toEqual([]);
    await under.agent.startListening();
  });

  test.concurrent('without checkpointing: at once', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { checkpoint: false } });
    const task = under.launch(pod());
    await under.running(task);
    await under.agent.stopListening();
    expect(await under.exit()).toEqual({ code: 3, signal: null });
    expect(await under.leftOvers()).toEqual([]);
    await under.agent.startListening();
  });
});

test.concurrent('an agent that acknowledges nothing does not hold up the end', async () => {
  await using under = await ExecutorUnderTest.start({ agent: { acknowledge: false } });
  const task = under.launch(pod());
  await under.running(task);
  const began = Date.now();
  under.agent.shutdown();
  expect(await under.exit()).toEqual({ code: 0, signal: null });
  expect(Date.now() - began).toBeLessThan(5_000);
  expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  expect(await under.leftOvers()).toEqual([]);
});

test.concurrent('static pods: one that is over is not run again when the agent tells of it again, one that lives is left alone', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'km-static-'));
  const volumes = [{ name: 'v', hostPath: { path: dir } }];
  const once = pod({ ...shell('echo >> /v/runs'), volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { ...never, volumes }, { name: 'once' });
  const stays = pod({}, {}, { name: 'stays' });
  const executorData = Buffer.from(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', items: [once, stays] }));
  const runs = (): number => (existsSync(join(dir, 'runs')) ? readFileSync(join(dir, 'runs')).length : 0);
  const launched = ({ metadata }: typeof once) => ({ taskId: '', uid: metadata?.uid ?? '', name: '' });
  try {
    await using under = await ExecutorUnderTest.start({ agent: { executorData } });
    await under.poll(async () => runs() === 1 && (await under.containers(launched(once).uid)).length === 0, 'it has run');
    await under.poll(async () => (await under.containers(launched(stays).uid)).length === 2 && (await under.container(launched(stays))).running, 'the other one runs');
    const before = await under.container(launched(stays));
    for (const turn of [async () => under.agent.disconnect(), async () => under.killWorker()]) {
      await turn();
      await under.until(() => !under.agent.subscribed, 'it is away');
      await under.until(() => under.agent.subscribed, 'it is back');
      const task = under.launch(pod(shell('exit 0'), never)); // behind SUBSCRIBED
      await under.ended(task);
      expect(await under.containers(launched(once).uid)).toEqual([]);
    }
    expect(runs()).toBe(1);
    expect(await under.container(launched(stays))).toEqual(before);
  } finally {
    await rm(dir, { recursive: true });
  }
});
