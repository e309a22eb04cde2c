/** Lifecycle hooks, and how long a container has that its probe ends: what Mesos, the API's events and the other side of a hook see. */
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExecutorUnderTest, pod, shell, type Launched } from '../../support/executor-under-test.ts';

let under: ExecutorUnderTest;
beforeAll(async () => {
  under = await ExecutorUnderTest.start({ kubernetes: true });
});
afterAll(() => under[Symbol.asyncDispose]());

/** Without a grace no preStop hook runs. */
const patient = { terminationGracePeriodSeconds: 30 };
const obedient = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const container = (task: Launched) => under.status(task.taskId)?.containerStatuses?.[0];

interface Told {
  readonly fieldPath: string | undefined;
  readonly message: string;
}

/** The events of a reason about the pod. */
function told({ uid }: Launched, reason: string): Told[] {
  const all = (under.api?.list({ group: '', resource: 'events', namespace: 'default' }) ?? []) as unknown as { reason: string; message: string; involvedObject: { uid?: string; fieldPath?: string } }[];
  return all.filter((event) => event.reason === reason && event.involvedObject.uid === uid).map(({ message, involvedObject: { fieldPath } }) => ({ message, fieldPath }));
}

async function listening(): Promise<{ server: Server; port: number; calls: () => number } & AsyncDisposable> {
  let count = 0;
  const server = createServer((socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { server, port, calls: () => count, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

test.concurrent('a container that its probe ends has the time that the probe says, not that of the pod', async () => {
  const livenessProbe = { exec: { command: ['test', '!', '-e', '/tmp/dead'] }, periodSeconds: 1, failureThreshold: 1, terminationGracePeriodSeconds: 1 };
  const task = under.launch(pod(shell("trap '' TERM; while :; do sleep 0.1; done", { livenessProbe }), { terminationGracePeriodSeconds: 3600 }));
  await under.running(task);
  await under.exec(task, ['touch', '/tmp/dead']);
  await under.until(() => container(task)?.restartCount === 1 && container(task)?.state?.running !== undefined, 'it is started again');
  expect(container(task)?.lastState?.terminated?.exitCode).toBe(137);
});

test.concurrent('a preStop hook that sleeps holds the signal back', async () => {
  const task = under.launch(pod(shell(obedient, { lifecycle: { preStop: { sleep: { seconds: 2 } } } }), patient));
  await under.running(task);
  const killedAt = performance.now();
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect(performance.now() - killedAt).toBeGreaterThanOrEqual(2000);
  expect(container(task)?.state?.terminated?.exitCode).toBe(0);
  expect(told(task, 'FailedPreStopHook')).toEqual([]);
});

test.concurrent('hooks that connect reach whom they name', async () => {
  await using after = await listening();
  await using before = await listening();
  const lifecycle = { postStart: { tcpSocket: { host: '127.0.0.1', port: after.port } }, preStop: { tcpSocket: { host: '127.0.0.1', port: String(before.port) } } };
  const task = under.launch(pod(shell(obedient, { lifecycle }), patient));
  await under.running(task);
  await under.until(() => after.calls() === 1, 'the postStart hook has connected');
  expect(before.calls()).toBe(0);
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect([after.calls(), before.calls()]).toEqual([1, 1]);
});

test.concurrent('a preStop hook that fails is told, and stops nothing', async () => {
  const task = under.launch(pod(shell(obedient, { lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo not now; exit 3'] } } } }), patient));
  await under.running(task);
  under.kill(task);
  expect((await under.ended(task)).state).toBe('TASK_KILLED');
  expect(container(task)?.state?.terminated?.exitCode).toBe(0);
  await under.until(() => told(task, 'FailedPreStopHook').length > 0, 'the event is there');
  const message = `Exec lifecycle hook ([sh -c echo not now; exit 3]) for Container "main" in Pod "${task.name}" failed - error: command 'sh -c echo not now; exit 3' exited with 3: not now\n`;
  expect(told(task, 'FailedPreStopHook')).toEqual([{ fieldPath: 'spec.containers{main}', message }]);
});

test.concurrent('a postStart hook that fails is told, and its container ends', async () => {
  const { port, ...nobody } = await listening();
  await nobody[Symbol.asyncDispose]();
  const task = under.launch(pod(shell(obedient, { lifecycle: { postStart: { tcpSocket: { host: '127.0.0.1', port } } } }), { restartPolicy: 'Never' }));
  await under.ended(task); // well: the container has answered its signal so
  await under.until(() => told(task, 'FailedPostStartHook').length > 0, 'the event is there');
  expect(told(task, 'FailedPostStartHook')).toEqual([
    { fieldPath: 'spec.containers{main}', message: expect.stringMatching(new RegExp(`^TCP lifecycle hook \\(${port}\\) for Container "main" in Pod "${task.name}" failed - error: .*ECONNREFUSED`)) as string },
  ]);
});
