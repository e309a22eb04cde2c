/** An executor that is killed with all its processes leaves its pods: the next one on the machine removes them, or `km reap`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEngine } from '../../../src/docker/index.ts';
import { findRemains, reapDead } from '../../../src/executor/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ExecutorUnderTest, pod, type Launched } from '../../support/executor-under-test.ts';

async function dead(): Promise<{ under: ExecutorUnderTest; task: Launched }> {
  const under = await ExecutorUnderTest.start();
  const task = under.launch(pod({ volumeMounts: [{ name: 'm', mountPath: '/m' }] }, { volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] }));
  await under.running(task);
  await under.destroy();
  return { under, task };
}

test('the next executor with the same root directory removes what a dead one has left, and nothing of a live one', async () => {
  const { under, task } = await dead();
  await using second = await ExecutorUnderTest.start({ flags: [`--root-dir=${under.rootDir}`, `--pod-logs-dir=${under.logDir}`] });
  await under.gone(task);
  await under.poll(() => !existsSync(join(under.rootDir, 'pods', task.uid)), 'its files are gone');
  const live = second.launch(pod());
  await second.running(live);
  const engine = connectEngine({ host: process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock', logger: silentLogger });
  const remains = await findRemains({ rootDir: under.rootDir, engine });
  expect(remains.dead).toEqual([]);
  expect(remains.unknown.filter(({ labels }) => Object.values(labels).includes(live.uid))).toEqual([]);
  engine.close();
  second.kill(live);
  await second.ended(live);
  await second.gone(live);
  await second.shutdown();
  await under[Symbol.asyncDispose]();
});

test('what is to be reaped is told before, and then removed', async () => {
  const { under, task } = await dead();
  const engine = connectEngine({ host: process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock', logger: silentLogger });
  const options = { rootDir: under.rootDir, podLogsDir: under.logDir, engine, logger: silentLogger };
  const remains = await findRemains(options);
  expect(remains.dead.map(({ owner, containers }) => [owner.executorId, containers.length])).toEqual([[under.agent.identity.executorId, 2]]);
  expect((await under.containers(task.uid)).length).toBe(2);
  await reapDead(options, remains);
  await under.poll(async () => (await under.leftOvers()).length === 0, 'nothing is left, killed processes included, which are the init process’ to bury');
  expect((await findRemains(options)).dead).toEqual([]);
  engine.close();
  await under[Symbol.asyncDispose]();
});
