/** Trouble with the Docker Engine: away, away for a while, containers taken away behind our back. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABELS } from '../../../src/docker/index.ts';
import { FaultyProxy, type Address } from '../../faults/faulty-proxy.ts';
import { EngineProxy } from '../../support/engine-proxy.ts';
import { busybox, ExecutorUnderTest, pod, shell, type Launched } from '../../support/executor-under-test.ts';

function engineAddress(): Address {
  const url = new URL(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock');
  return url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: Number(url.port) };
}

const restarts = (under: ExecutorUnderTest, { taskId }: Launched): number | undefined => under.status(taskId)?.containerStatuses?.[0]?.restartCount;

describe('an Engine that goes away', () => {
  test.concurrent('is waited for at the start by one and the same worker, which still hears of its end', async () => {
    await using proxy = await EngineProxy.make();
    await using under = await ExecutorUnderTest.start({ dockerHost: proxy.dockerHost, subscribes: false });
    await under.poll(() => under.log.includes('cannot reach the Docker Engine'), 'it misses the Engine');
    const worker = under.worker()?.pid;
    await under.poll(() => (under.log.match(/cannot reach the Docker Engine, trying again/g)?.length ?? 0) >= 4, 'it tries again and again');
    expect(under.worker()?.pid).toBe(worker);
    await proxy.up();
    await under.until(() => under.agent.subscribed, 'it subscribes');
    const task = under.launch(pod());
    await under.running(task);
    expect(under.worker()?.pid).toBe(worker);
  });

  test.concurrent('ends an executor that waits for it and is told to end', async () => {
    await using proxy = await EngineProxy.make();
    await using under = await ExecutorUnderTest.start({ dockerHost: proxy.dockerHost, subscribes: false });
    await under.poll(() => under.log.includes('cannot reach the Docker Engine'), 'it misses the Engine');
    under.signal('SIGTERM');
    expect(await under.exit()).toEqual({ code: 0, signal: null });
  });

  test.concurrent('costs no pod anything, and what happened meanwhile is told', async () => {
    await using proxy = await EngineProxy.make();
    await proxy.up();
    await using under = await ExecutorUnderTest.start({ dockerHost: proxy.dockerHost });
    const calm = under.launch(pod());
    const short = under.launch(pod(shell('while ! [ -e /tmp/stop ]; do sleep 0.1; done; exit 4'), { restartPolicy: 'Never' }));
    const crashing = under.launch(pod(shell('while ! [ -e /tmp/stop ]; do sleep 0.1; done; exit 4')));
    await Promise.all([calm, short, crashing].map((task) => under.running(task)));
    const before = await under.container(calm);
    await proxy.down();
    await under.poll(() => under.log.includes('event stream of the Engine broke'), 'it notices');
    await under.exec(short, ['touch', '/tmp/stop']);
    await under.exec(crashing, ['touch', '/tmp/stop']);
    const late = under.launch(pod());
    await under.untilState(late, 'TASK_STARTING');
    await proxy.up();
    expect(await under.ended(short)).toMatchObject({ state: 'TASK_FAILED', message: 'container main: Error, exit code 4' });
    await under.running(late);
    await under.poll(async () => (await under.container(crashing)).labels[LABELS.restartCount] === '1', 'the crashed one is restarted');
    expect(await under.container(calm)).toEqual(before);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  });

  test.concurrent('with its event stream cut again and again loses nothing', async () => {
    await using proxy = await EngineProxy.make();
    await proxy.up();
    await using under = await ExecutorUnderTest.start({ dockerHost: proxy.dockerHost });
    const tasks = Array.from({ length: 6 }, (_, n) => under.launch(pod(shell(`sleep 0.${n}; exit 0`), { restartPolicy: 'Never' })));
    const ends = Promise.all(tasks.map((task) => under.ended(task)));
    let over = false;
    const settled = (): void => void (over = true);
    void ends.then(settled, settled);
    for (let cuts = 0; cuts < 10 && !over; cuts++) {
      const events = under.record(tasks[cuts % 6]?.taskId ?? '')?.updates.length ?? 0;
      await under.until(() => (under.record(tasks[cuts % 6]?.taskId ?? '')?.updates.length ?? 0) > events || over, 'something happens', 5_000).catch(() => undefined);
      proxy.cut();
    }
    for (const [n, end] of (await ends).entries()) expect(end.state, JSON.stringify(under.status(tasks[n]?.taskId ?? ''))).toBe('TASK_FINISHED');
    for (const { taskId } of tasks) expect(under.states(taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
  });

  test.concurrent('just when it has started a container runs it no second time', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'km-once-'));
    const runs = join(dir, 'runs');
    await mkdir(runs);
    await using proxy = new FaultyProxy(engineAddress(), { path: join(dir, 'docker.sock') });
    await proxy.up();
    await using under = await ExecutorUnderTest.start({ dockerHost: `unix://${join(dir, 'docker.sock')}` });
    // The second start is the container's: it is done, but neither its answer nor the look at it nor an event arrives.
    let starts = 0;
    proxy.break({ fault: { kind: 'reset-after' }, matches: ({ path }) => path.endsWith('/start') && ++starts === 2 });
    proxy.break({ fault: { kind: 'reset-before' }, matches: ({ path }) => starts === 2 && path.endsWith('/json') });
    proxy.break({ fault: { kind: 'silence' }, matches: ({ path }) => path.includes('/events'), times: 2 });
    proxy.cut();
    const once = shell('echo run >>/runs/log', { volumeMounts: [{ name: 'runs', mountPath: '/runs' }] });
    const task = under.launch(pod(once, { restartPolicy: 'Never', volumes: [{ name: 'runs', hostPath: { path: runs } }] }));
    expect((await under.ended(task)).state).toBe('TASK_FINISHED');
    expect(await readFile(join(runs, 'log'), 'utf8')).toBe('run\n');
    await rm(dir, { recursive: true, force: true });
  });

  test.concurrent('while a pod is killed only delays its end', async () => {
    await using proxy = await EngineProxy.make();
    await proxy.up();
    await using under = await ExecutorUnderTest.start({ dockerHost: proxy.dockerHost });
    const task = under.launch(pod());
    await under.running(task);
    await proxy.down();
    under.kill(task);
    await under.untilState(task, 'TASK_KILLING');
    await proxy.up();
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
  });
});

describe('containers that somebody else takes away', () => {
  let under: ExecutorUnderTest;
  beforeAll(async () => {
    under = await ExecutorUnderTest.start();
  });
  afterAll(() => under[Symbol.asyncDispose]());

  test.concurrent.each([1, 2, 3, 4])('a container that is removed is started again (%i)', async () => {
    const task = under.launch(pod());
    await under.running(task);
    const before = await under.container(task);
    const sandbox = await under.container(task, 'POD');
    await under.engine.remove(before.id);
    const after = await under.poll(async () => {
      const now = await under.container(task).catch(() => undefined);
      return now?.running === true && now.id !== before.id ? now : undefined;
    }, 'there is a new one');
    expect(after.labels[LABELS.restartCount]).toBe('1');
    expect((await under.container(task, 'POD')).id).toBe(sandbox.id);
    expect(under.record(task.taskId)?.terminal).toBe(false);
    under.kill(task);
    await under.ended(task);
    expect(restarts(under, task)).toBe(1);
  });

  test.concurrent('a container that is removed fails a pod that is not to be restarted', async () => {
    const task = under.launch(pod({}, { restartPolicy: 'Never' }));
    await under.running(task);
    await under.engine.remove((await under.container(task)).id);
    expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED' });
    await under.gone(task);
  });

  test.concurrent.each(['remove', 'kill'] as const)('a sandbox that somebody takes away (%s) is made anew, with all its containers', async (how) => {
    const task = under.launch(pod());
    await under.running(task);
    const sandbox = await under.container(task, 'POD');
    const before = await under.container(task);
    await under.engine[how](sandbox.id);
    const after = await under.poll(async () => {
      const now = await under.container(task).catch(() => undefined);
      return now?.running === true && now.id !== before.id ? now : undefined;
    }, 'there is a new one');
    const anew = await under.container(task, 'POD');
    expect(anew.id).not.toBe(sandbox.id);
    expect(after.networkMode).toBe(`container:${anew.id}`);
    expect(await under.exec(task, ['ip', 'address'])).toContain(anew.ips[0]);
    expect(under.record(task.taskId)?.terminal).toBe(false);
    await under.poll(async () => (await under.containers(task.uid)).filter(({ status }) => status === 'running').length === 2, 'two containers run');
    under.kill(task);
    await under.ended(task);
    expect(under.status(task.taskId)?.podIP).toBe(anew.ips[0]);
    await under.gone(task);
  });

  test.concurrent('all containers at once come back', async () => {
    const task = under.launch(pod({}, { initContainers: [busybox({ name: 'setup', command: ['true'] })] }));
    await under.running(task);
    for (const { id } of await under.containers(task.uid)) await under.engine.remove(id);
    await under.poll(async () => (await under.containers(task.uid)).filter(({ status }) => status === 'running').length === 2, 'two containers run');
    expect(under.record(task.taskId)?.terminal).toBe(false);
  });
});
