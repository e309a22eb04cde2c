/** Pods in the cgroup of the executor's Mesos container: this process plays the agent's containerizer, and moves itself there. */
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cgroupOf } from '../../../src/docker/index.ts';
import { ExecutorUnderTest, pod, shell, type Launched } from '../../support/executor-under-test.ts';
import { eatMemory, GREEDY } from '../../support/greedy.ts';

const ROOT = '/sys/fs/cgroup';
const writable = (): boolean => {
  try {
    accessSync(join(ROOT, 'memory/cgroup.procs'), constants.W_OK); // version 1, as on the machines of this project
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(!writable())('a contained pod', () => {
  const above = `/km-test-${randomBytes(4).toString('hex')}`;
  const home = cgroupOf(readFileSync('/proc/self/cgroup', 'utf8'), 1) ?? '/';
  const folders = (): string[] => readdirSync(ROOT).map((hierarchy) => join(ROOT, hierarchy, above)).filter((folder) => existsSync(folder));
  const memory = (cgroup: string, file: string): string => readFileSync(join(ROOT, 'memory', cgroup, file), 'utf8').trim();
  const move = (cgroup: string): void => writeFileSync(join(ROOT, 'memory', cgroup, 'cgroup.procs'), String(process.pid));
  const resources = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.5 } }, { name: 'mem', type: 'SCALAR', scalar: { value: 64 } }] as const;
  let under: ExecutorUnderTest;

  beforeAll(async () => {
    mkdirSync(join(ROOT, 'memory', above, 'sandbox-0'), { recursive: true }); // named as the executor's sandbox, as Mesos names it
    move(`${above}/sandbox-0`);
    under = await ExecutorUnderTest.start({ flags: ['--contain-pod-resources=true'] });
    move(home);
  });
  afterAll(async () => {
    move(home);
    await under[Symbol.asyncDispose]();
    for (const folder of folders()) {
      for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) rmdirSync(join(folder, entry.name));
      rmdirSync(folder);
    }
  });

  const parent = ({ uid }: Launched): string => `${above}/sandbox-0/km_${uid}`;

  test('has the limits of its task, and leaves no cgroup in any hierarchy', async () => {
    const task = under.launch(pod(), { resources });
    await under.running(task);
    expect((await under.exec(task, ['cat', '/proc/self/cgroup']))).toContain(`:memory:${parent(task)}/`);
    expect(memory(parent(task), 'memory.limit_in_bytes')).toBe(String(64 * 2 ** 20));
    expect(readFileSync(join(ROOT, 'cpu', parent(task), 'cpu.shares'), 'utf8').trim()).toBe('512');
    under.kill(task);
    await under.ended(task);
    await under.gone(task);
    await under.poll(() => folders().every((folder) => !existsSync(join(folder, 'sandbox-0', `km_${task.uid}`))), 'its cgroups are gone');
  });

  test('that takes more memory than its task has is killed, and its task says why', async () => {
    const task = under.launch(pod(shell(GREEDY), { restartPolicy: 'Never' }), { resources });
    await under.running(task);
    await eatMemory(under.engine, (await under.container(task)).id);
    expect(await under.ended(task)).toMatchObject({ state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LIMITATION_MEMORY', message: expect.stringContaining('OOMKilled') as string });
  });
});
