/** The worker, or all of the executor, dies at any moment: every task has exactly one end, containers do not notice, nothing is left over. */
import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Journal } from '../../../src/base/index.ts';
import { type InspectedContainer, LABELS } from '../../../src/docker/index.ts';
import type { JournalEntry } from '../../../src/executor/journal-entry.ts';
import { randomOf } from '../../faults/random.ts';
import { busybox, ExecutorUnderTest, pod, shell, type Launched } from '../../support/executor-under-test.ts';

const never = { restartPolicy: 'Never' } as const;
const TERMINAL = /^TASK_(FINISHED|FAILED|KILLED|ERROR|LOST|DROPPED)$/;

/** Exactly one terminal state, the last one; nothing is said twice. */
function expectOneEnd(under: ExecutorUnderTest, { taskId }: Launched, state: string): void {
  const states = under.states(taskId);
  expect(states.filter((one) => TERMINAL.test(one)), `${taskId}: ${states.join(' ')}`).toEqual([state]);
  expect(TERMINAL.test(states.at(-1) ?? '')).toBe(true);
  expect(new Set(states).size, `${taskId}: ${states.join(' ')}`).toBe(states.length);
}

/** A LAUNCH that was written to a worker which died before it could read it: the agent says so itself, for it is not sent again. */
function neverArrived(under: ExecutorUnderTest, { taskId }: Launched): boolean {
  return under.last(taskId)?.from === 'agent' && under.states(taskId).join() === 'TASK_DROPPED';
}

describe('a worker that is killed', () => {
  test.concurrent('while its pods run takes them up as they are', async () => {
    await using under = await ExecutorUnderTest.start();
    const calm = under.launch(pod());
    const probed = under.launch(pod({ readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }));
    const short = under.launch(pod(shell('while ! [ -e /tmp/stop ]; do sleep 0.1; done; echo late >/dev/termination-log; exit 4'), never));
    await Promise.all([calm, probed, short].map((task) => under.running(task)));
    await under.until(() => under.last(probed.taskId)?.healthy === true, 'it is ready');
    const before = await under.container(calm);

    const worker = await under.killWorker();
    await under.exec(short, ['touch', '/tmp/stop']);
    expect(await under.ended(short)).toMatchObject({ state: 'TASK_FAILED', message: 'container main: Error, exit code 4: late' });
    expect((await under.poll(() => under.worker(), 'a new worker')).pid).not.toBe(worker);
    expect(await under.container(calm)).toEqual(before);
    expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);

    under.kill(calm);
    expect((await under.ended(calm)).state).toBe('TASK_KILLED');
    expect(under.record(calm.taskId)?.updates.filter(({ acknowledged }) => !acknowledged)).toEqual([]);
  });

  test.concurrent('keeps count of restarts, and of how long to wait for the next', async () => {
    await using under = await ExecutorUnderTest.start();
    const task = under.launch(pod(shell('exit 1')));
    const attempt = async (count: string): Promise<InspectedContainer | undefined> => {
      const found = (await under.containers(task.uid)).find(({ labels }) => labels[LABELS.restartCount] === count);
      return found && under.engine.inspect(found.id).catch(() => undefined); // it may go meanwhile
    };
    const first = await under.poll(async () => ((await attempt('1'))?.finishedAt === undefined ? undefined : attempt('1')), 'it is restarted');
    await under.killWorker();
    await under.untilState(task, 'TASK_RUNNING');
    const second = await under.poll(async () => ((await attempt('2'))?.startedAt === undefined ? undefined : attempt('2')), 'it is restarted again', 45_000);
    expect((second.startedAt ?? 0) - (first.finishedAt ?? Infinity)).toBeGreaterThanOrEqual(10_000); // the back-off went on
    under.kill(task);
    await under.ended(task);
    expect(under.status(task.taskId)?.containerStatuses?.[0]?.restartCount).toBeGreaterThanOrEqual(2);
  });

  test.concurrent('counts on how often a probe has failed', async () => {
    await using under = await ExecutorUnderTest.start();
    const told = join(under.dir, 'told');
    await writeFile(told, '');
    const main = { ...shell("echo start >>/told; trap 'exit 143' TERM; sleep 86400 & wait"), volumeMounts: [{ name: 'host', mountPath: '/told' }] };
    const livenessProbe = { exec: { command: ['sh', '-c', 'echo x >>/told; false'] }, periodSeconds: 1, failureThreshold: 6 };
    const task = under.launch(pod({ ...main, livenessProbe }, { volumes: [{ name: 'host', hostPath: { path: told } }] }));
    /** How often it has failed in each life of the container. */
    const failures = async (): Promise<number[]> => (await readFile(told, 'utf8')).split('start').slice(1).map((life) => life.split('x').length - 1);
    await under.poll(async () => ((await failures())[0] ?? 0) >= 4, 'it has failed a few times');
    await under.killWorker();
    await under.poll(async () => (await failures()).length === 2, 'it is restarted');
    expect((await failures())[0]).toBeLessThanOrEqual(7); // one may have been made whose outcome the worker that died did not live to see
    under.kill(task);
    await under.ended(task);
  });

  test.concurrent('while it kills a pod goes on killing it, within the same grace', async () => {
    await using under = await ExecutorUnderTest.start();
    const task = under.launch(pod(shell("trap '' TERM; while :; do sleep 0.1; done"), { terminationGracePeriodSeconds: 3600 }));
    await under.running(task);
    under.kill(task, 4_000);
    const began = Date.now();
    await under.untilState(task, 'TASK_KILLING');
    await under.killWorker();
    expect((await under.ended(task)).state).toBe('TASK_KILLED');
    expect(Date.now() - began).toBeLessThan(15_000);
    expectOneEnd(under, task, 'TASK_KILLED');
  });

  test.concurrent('loses no update that nobody has acknowledged', async () => {
    await using under = await ExecutorUnderTest.start({ agent: { acknowledge: false } });
    const starts = join(under.dir, 'starts');
    await writeFile(starts, '');
    const host = { volumeMounts: [{ name: 'host', mountPath: '/starts' }] };
    const task = under.launch(pod(shell('echo x >>/starts', host), { ...never, volumes: [{ name: 'host', hostPath: { path: starts } }] }));
    const running = under.launch(pod());
    await under.ended(task);
    await under.running(running);
    await under.killWorker();
    await under.until(() => (under.record(task.taskId)?.updates ?? []).every(({ deliveries }) => deliveries > 1), 'all come again');
    under.agent.setAcknowledge(true);
    await under.until(() => (under.record(task.taskId)?.updates ?? []).every(({ acknowledged }) => acknowledged), 'all are acknowledged');
    expect(under.states(task.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED']);
    const later = under.launch(pod(shell('exit 0'), never));
    await under.ended(later);
    await under.gone(later);
    expect(await under.containers(task.uid)).toEqual([]);
    expect(await readFile(starts, 'utf8')).toBe('x\n');
    expect(under.states(running.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING']);
  });

  test.concurrent('gets a SIGTERM that comes while there is no worker', async () => {
    await using under = await ExecutorUnderTest.start();
    const task = under.launch(pod());
    await under.running(task);
    await under.killWorker();
    under.signal('SIGTERM');
    expect(await under.exit()).toEqual({ code: 0, signal: null });
    expect(await under.ended(task)).toMatchObject({ state: 'TASK_KILLED', from: 'executor' });
    expect(await under.leftOvers()).toEqual([]);
  });

  // Twice four deaths, side by side: a supervisor waits longer and longer for a worker that dies again and again.
  test.concurrent.each([1, 2])('over and over, at random moments of a mix of pods: every task has one end, no container notices, nothing is left (%i)', async (nth) => {
    const seed = nth + Number(process.env.KM_TEST_SEED ?? Date.now() % 1_000_000);
    console.log(`KM_TEST_SEED=${seed - nth}`);
    const random = randomOf(seed);
    await using under = await ExecutorUnderTest.start();
    const shared = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
    const volumes = [{ name: 'shared', emptyDir: {} }];
    // Each counts its own starts in the pod's volume: a container that was started twice says so.
    const once = 'echo x >>/shared/starts; [ $(wc -l </shared/starts) = 1 ] || exit 99;';
    const jobs: [string, Launched][] = [];
    const launch = (): void => {
      jobs.push(
        ['TASK_FINISHED', under.launch(pod(shell(`${once} sleep ${(random() * 2).toFixed(2)}; exit 0`, shared), { ...never, volumes }))],
        ['TASK_FAILED', under.launch(pod(shell(`${once} exit 7`, shared), { ...never, volumes }))],
        ['TASK_FINISHED', under.launch(pod(shell('[ $(wc -l </shared/starts) = 1 ]', shared), { ...never, volumes, initContainers: [busybox({ name: 'setup', ...shell(`${once} exit 0`, shared) })] }))],
        ['TASK_ERROR', under.launch(pod({ image: '' }))],
      );
    };
    const servers = Array.from({ length: 3 }, () => under.launch(pod(shell(`${once} trap 'exit 143' TERM; sleep 3600 & wait`, shared), { volumes })));
    // A LAUNCH may go to a worker that is dead already: of these we want to be sure.
    await Promise.all(servers.map((server) => under.untilState(server, 'TASK_STARTING')));
    launch();
    let killed: number | undefined;
    for (let kills = 0; kills < 4; kills++) {
      await sleep(random() * 900); // the random moment
      const { pid } = await under.poll(() => {
        const worker = under.worker();
        return worker !== undefined && worker.pid !== killed ? worker : undefined;
      }, 'there is a new worker');
      process.kill(pid, 'SIGKILL');
      killed = pid;
      launch();
      const victim = servers[kills];
      if (kills < 2 && victim !== undefined) under.kill(victim);
    }
    const [first, second, third] = servers as [Launched, Launched, Launched];
    for (const [state, task] of jobs) {
      await under.ended(task);
      if (!neverArrived(under, task)) expectOneEnd(under, task, state);
    }
    // As with launches, a KILL may have gone to one that was dead already.
    for (const task of [first, second]) if (under.record(task.taskId)?.terminal !== true) under.kill(task);
    await Promise.all([first, second].map((task) => under.ended(task)));
    await under.running(third);
    expect((await under.container(third)).labels[LABELS.restartCount]).toBe('0');
    expect(await under.exec(third, ['cat', '/shared/starts'])).toBe('x\n');
    under.kill(third);
    await under.ended(third);
    for (const server of servers) expectOneEnd(under, server, 'TASK_KILLED');
    await under.poll(async () => (await under.containers()).length === 0, 'no container is left');
    expect(await under.shutdown()).toEqual({ code: 0, signal: null });
    expect(await under.leftOvers()).toEqual([]);
  });
});

test.concurrent.each(['SIGTERM', 'SIGHUP'] as const)('%s to the worker makes another one take over, and no pod notices', async (signal) => {
  await using under = await ExecutorUnderTest.start();
  const calm = under.launch(pod({ readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }));
  await under.until(() => under.last(calm.taskId)?.healthy === true, 'it is ready');
  const told = under.record(calm.taskId)?.updates.length;
  const before = await under.container(calm);
  const { pid } = await under.poll(() => under.worker(), 'there is a worker');
  process.kill(pid, signal);
  await under.until(() => !under.agent.subscribed, 'it goes');
  await under.until(() => under.agent.subscribed, 'the next one subscribes');
  expect((await under.poll(() => under.worker(), 'a new worker')).pid).not.toBe(pid);
  // A task that comes and goes meanwhile: what there is to be said of the other one would be said by then.
  await under.ended(under.launch(pod(shell('sleep 2'), never)));
  expect(await under.container(calm)).toEqual(before);
  expect(under.record(calm.taskId)?.updates.length).toBe(told);
  under.kill(calm);
  await under.ended(calm);
  expect(under.states(calm.taskId)).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
});

test.concurrent('a run that is started once more after the machine was booted ends its tasks, and restarts no container', async () => {
  await using under = await ExecutorUnderTest.start();
  const server = under.launch(pod({ volumeMounts: [{ name: 'm', mountPath: '/m' }] }, { volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] }));
  const job = under.launch(pod(shell('sleep 600'), never));
  await Promise.all([server, job].map((task) => under.running(task)));
  const before = await under.container(server);
  await under.destroy();
  // What a boot leaves: dead containers, no mounts, and a journal of the boot before.
  await Promise.all((await under.containers()).map(({ id }) => under.engine.kill(id, 'SIGKILL')));
  execFileSync('umount', [join(under.rootDir, 'pods', server.uid, 'volumes/kubernetes.io~empty-dir/m')]);
  const [name = ''] = (await readdir(join(under.rootDir, 'journal'))).filter((file) => file.endsWith('.jsonl'));
  const { journal } = Journal.open<JournalEntry>(join(under.rootDir, 'journal', name), { snapshot: () => [], onError: (error) => { throw error; } });
  journal.append({ kind: 'run', run: join(under.dir, 'sandbox-0'), bootId: 'the boot before' });
  await journal.close();
  await under.spawn({ same: true });
  expect(await under.ended(server)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_EXECUTOR_TERMINATED', message: 'the machine was booted' });
  expect((await under.ended(job)).state).toBe('TASK_FAILED');
  for (const { taskId } of [server, job]) expect(under.states(taskId).filter((state) => TERMINAL.test(state))).toEqual(['TASK_FAILED']);
  expect(under.status(server.taskId)?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, containerID: `docker://${before.id}` });
  await Promise.all([server, job].map((task) => under.gone(task)));
  const later = under.launch(pod(shell('exit 0'), never));
  expect((await under.ended(later)).state).toBe('TASK_FINISHED');
  expect(await under.shutdown()).toEqual({ code: 0, signal: null });
  expect(await under.leftOvers()).toEqual([]);
});

test.concurrent('a later run sweeps what an executor left behind that was killed as a whole', async () => {
  await using under = await ExecutorUnderTest.start();
  const tasks = [under.launch(pod()), under.launch(pod({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', emptyDir: {} }] })), under.launch(pod(shell('exit 1')))];
  await Promise.all(tasks.map((task) => under.running(task)));
  await under.destroy();
  const left = await under.containers();
  expect(left.length).toBeGreaterThanOrEqual(6);
  await under.spawn();
  await under.poll(async () => (await under.containers()).length === 0, 'all are swept', 15_000);
  const task = under.launch(pod(shell('exit 0'), never));
  expect((await under.ended(task)).state).toBe('TASK_FINISHED');
  await under.gone(task);
  await under.poll(async () => (await under.files()).every((name) => name.startsWith('root/journal/')), 'no file is left but the journal');
});
