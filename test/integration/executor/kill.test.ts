/** Pods that are ended: by KILL at every moment of their life, by SHUTDOWN, by a signal. */
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { busybox, ExecutorUnderTest, killPolicy, pod, shell, type Launched } from '../../support/executor-under-test.ts';

/** Does not end on SIGTERM. */
const stubborn = shell("trap '' TERM; while :; do sleep 0.1; done");

describe('KILL', () => {
  let under: ExecutorUnderTest;
  beforeAll(async () => {
    under = await ExecutorUnderTest.start();
  });
  afterAll(() => under[Symbol.asyncDispose]());

  /** How long the task takes from now to its end, milliseconds. */
  async function untilKilled(task: Launched): Promise<number> {
    const began = Date.now();
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    return Date.now() - began;
  }

  test.concurrent('leaves a container the grace of its pod, and takes it then', async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3 }));
    await under.running(task);
    under.kill(task);
    const tookMs = await untilKilled(task);
    // The exit code says who ended it: 137 is our SIGKILL, anything else is not the end of the grace.
    expect(under.status(task.taskId)?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137 });
    expect(tookMs).toBeGreaterThan(2_900);
  });

  test.concurrent("with a policy beats the pod's grace, also in parts of a second", async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 }));
    await under.running(task);
    under.kill(task, 300);
    expect(await untilKilled(task)).toBeLessThan(10_000);
  });

  test.concurrent("without a policy leaves what the task's policy says", async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 }), { kill_policy: killPolicy(500) });
    await under.running(task);
    under.kill(task);
    expect(await untilKilled(task)).toBeLessThan(10_000);
  });

  test.concurrent("with a policy beats the task's policy", async () => {
    const task = under.launch(pod(stubborn), { kill_policy: killPolicy(0) });
    await under.running(task);
    under.kill(task, 3_000);
    expect(await untilKilled(task)).toBeGreaterThan(2_900);
  });

  test.concurrent('for a second time can only shorten the grace', async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 }));
    await under.running(task);
    under.kill(task);
    await under.untilState(task, 'TASK_KILLING');
    under.kill(task, 3_600_000);
    under.kill(task, 200);
    expect(await untilKilled(task)).toBeLessThan(10_000);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  });

  test.concurrent('again and again, with longer and shorter graces, ends the pod within the shortest of them', async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 }), { kill_policy: killPolicy(3_000_000) });
    await under.running(task);
    const began = Date.now();
    for (const ms of [60_000, 2_000, 30_000, undefined, 3_000]) under.kill(task, ms);
    await untilKilled(task);
    expect(Date.now() - began).toBeGreaterThan(1_900);
    expect(Date.now() - began).toBeLessThan(12_000);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
  });

  test.concurrent('right behind LAUNCH ends a pod that has not begun', async () => {
    const task = under.launch(pod());
    under.kill(task);
    await untilKilled(task);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_KILLING', 'TASK_KILLED']);
    await under.gone(task);
  });

  test.concurrent.each([0, 20, 50, 100, 200, 300, 500, 800])('%i ms after LAUNCH ends the pod', async (ms) => {
    const task = under.launch(pod());
    await under.untilState(task, 'TASK_STARTING');
    await new Promise((resolve) => setTimeout(resolve, ms)); // a moment like any other: the end must be the same
    under.kill(task);
    await untilKilled(task);
    await under.gone(task);
  });

  test.concurrent('reaches a pod in the middle of its init containers', async () => {
    const task = under.launch(pod({}, { initContainers: [busybox({ name: 'setup' })] }));
    await under.poll(async () => (await under.containers(task.uid)).some(({ labels, status }) => labels['io.kubernetes.container.name'] === 'setup' && status === 'running'), 'the init container runs');
    under.kill(task);
    await untilKilled(task);
    expect(under.states(task.taskId)).not.toContain('TASK_RUNNING');
    await under.gone(task);
  });

  test.concurrent('reaches a pod in its postStart hook', async () => {
    const task = under.launch(pod({ lifecycle: { postStart: { exec: { command: ['sh', '-c', 'touch /tmp/hook; sleep 3600'] } } } }));
    await under.poll(async () => (await under.exec(task, ['ls', '/tmp']).catch(() => '')).includes('hook'), 'the hook runs');
    under.kill(task);
    expect(await untilKilled(task)).toBeLessThan(15_000);
    await under.gone(task);
  });

  test.concurrent('does not wait for a preStop hook beyond the grace', async () => {
    const task = under.launch(pod({ lifecycle: { preStop: { exec: { command: ['sleep', '3600'] } } } }, { terminationGracePeriodSeconds: 1 }));
    await under.running(task);
    under.kill(task);
    expect(await untilKilled(task)).toBeLessThan(15_000);
  });

  test.concurrent('the longest grace is no grace of nothing', async () => {
    const task = under.launch(pod(stubborn, { terminationGracePeriodSeconds: 2_147_483_647 }));
    await under.running(task);
    under.kill(task);
    await under.untilState(task, 'TASK_KILLING');
    await under.exec(task, ['sleep', '1']);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING']);
    under.kill(task, 0);
    await untilKilled(task);
  });

  test.concurrent('for a task that is unknown, or over, says nothing', async () => {
    const task = under.launch(pod(shell('exit 0'), { restartPolicy: 'Never' }));
    await under.ended(task);
    under.kill(task);
    under.kill({ taskId: 'nobody' });
    const other = under.launch(pod(shell('exit 0'), { restartPolicy: 'Never' }));
    await under.ended(other);
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    expect(under.record('nobody')).toBeUndefined();
  });
});

describe('an image that does not come', () => {
  let registry: Server;
  let under: ExecutorUnderTest;
  let asked: Promise<void>;
  /** A registry that takes a request and never answers. */
  beforeAll(async () => {
    const heard = Promise.withResolvers<void>();
    asked = heard.promise;
    registry = createServer(() => heard.resolve());
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    under = await ExecutorUnderTest.start();
  });
  afterAll(async () => {
    registry.closeAllConnections();
    registry.close();
    await under[Symbol.asyncDispose]();
  });

  test('does not hold up a KILL', async () => {
    const { port } = registry.address() as { port: number };
    const task = under.launch(pod({ image: `127.0.0.1:${port}/never/comes:1` }));
    await asked;
    under.kill(task);
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    await under.gone(task);
  });

  test('shows as the reason for which the container waits', async () => {
    const task = under.launch(pod({ image: 'not-there', imagePullPolicy: 'Never' }));
    await under.poll(() => under.log.includes('ErrImageNeverPull'), 'it is told');
    under.kill(task);
    await under.ended(task);
  });
});

describe('the end of the executor', () => {
  test.concurrent('SHUTDOWN: stubborn pods end inside the grace, with exit code 0 and nothing left', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { shutdownGracePeriodMs: 6_000 } });
    const tasks = [under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 })), under.launch(pod()), under.launch(pod(shell('exit 1')))];
    await Promise.all(tasks.map((task) => under.running(task)));
    const began = Date.now();
    under.agent.shutdown();
    expect(await under.exit()).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(6_000);
    for (const { taskId } of tasks) expect(under.states(taskId).slice(-2)).toEqual(['TASK_KILLING', 'TASK_KILLED']);
    expect(await under.leftOvers()).toEqual([]);
  });

  test.concurrent('SHUTDOWN: preStop hooks have what there is of the grace, and kills under way no more than that', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { shutdownGracePeriodMs: 8_000 } });
    const said = join(under.dir, 'said');
    await writeFile(said, '');
    const hook = (script: string): Parameters<typeof pod>[0] => ({ lifecycle: { preStop: { exec: { command: ['sh', '-c', script] } } }, volumeMounts: [{ name: 'said', mountPath: '/said' }] });
    const more = { terminationGracePeriodSeconds: 3600, volumes: [{ name: 'said', hostPath: { path: said } }] };
    const quick = under.launch(pod(hook('sleep 1; echo quick >>/said'), more));
    const endless = under.launch(pod(hook('sleep 3600; echo endless >>/said'), more));
    const dying = under.launch(pod(stubborn, more));
    await Promise.all([quick, endless, dying].map((task) => under.running(task)));
    under.kill(dying, 3_600_000);
    await under.untilState(dying, 'TASK_KILLING');
    const began = Date.now();
    under.agent.shutdown();
    expect(await under.exit()).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(8_000);
    expect(await readFile(said, 'utf8')).toBe('quick\n');
    for (const { taskId } of [quick, endless, dying]) expect(under.states(taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    expect(await under.leftOvers()).toEqual([]);
  });

  test.concurrent('SIGTERM: the same', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { shutdownGracePeriodMs: 6_000 } });
    const tasks = [under.launch(pod(stubborn, { terminationGracePeriodSeconds: 3600 })), under.launch(pod())];
    await Promise.all(tasks.map((task) => under.running(task)));
    under.signal('SIGTERM');
    expect(await under.exit()).toEqual({ code: 0, signal: null });
    for (const task of tasks) expect(await under.ended(task)).toMatchObject({ state: 'TASK_KILLED', message: 'executor ended by SIGTERM', from: 'executor' });
    expect(await under.leftOvers()).toEqual([]);
  });

  test.concurrent('SHUTDOWN right behind launches: none of them is left', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { shutdownGracePeriodMs: 6_000 } });
    const tasks = Array.from({ length: 5 }, () => under.launch(pod()));
    under.agent.shutdown();
    expect(await under.exit()).toEqual({ code: 0, signal: null });
    for (const task of tasks) expect(await under.ended(task)).toMatchObject({ state: 'TASK_KILLED', from: 'executor' });
    expect(await under.leftOvers()).toEqual([]);
  });

  test.concurrent('an executor without pods ends at once', async () => {
    await using under = await ExecutorUnderTest.start();
    const began = Date.now();
    expect(await under.shutdown()).toEqual({ code: 0, signal: null });
    expect(Date.now() - began).toBeLessThan(2_000);
  });
});
