/** Pods whose executor was killed with all its processes while they were being deleted. */
import { expect, test } from 'vitest';
import { Conductor } from './carry-out.ts';
import { Laboratory } from './laboratory.ts';
import { randomOf } from './random.ts';

test('the next executor finishes their deletion, also when the API cannot do it at once', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const entry = conductor.launch({ kind: 'server', name: 'pod', bound: true });
  const runs = (): boolean => lab.agent.tasks.get(entry.taskId)?.states.includes('TASK_RUNNING') === true;
  expect(await lab.until(() => runs() && (conductor.object(entry) as { status?: { phase?: string } } | undefined)?.status?.phase === 'Running'), lab.log).toBe(true);
  await lab.crashAll();
  await conductor.delete(entry);
  expect(conductor.object(entry)).toBeDefined();
  let failed = 0;
  lab.toApi?.break({
    fault: { kind: 'answer', status: 500, body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500, message: 'etcdserver: leader changed' }) }, times: 2,
    matches: ({ method, path }) => method === 'DELETE' && path.includes('/pods/pod') && ++failed > 0,
  });
  conductor.launch({ kind: 'server', name: 'next', bound: true });
  await lab.spawn();
  expect(await lab.until(() => conductor.object(entry) === undefined, 40_000), lab.log).toBe(true);
  expect(failed).toBe(2);
  expect((await lab.shutdown())?.code).toBe(0);
});

test('an API that was restored from a backup hears again that a pod has ended', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const entry = conductor.launch({ kind: 'server', name: 'pod', bound: true });
  const status = (): { phase?: string; reason?: string } | undefined => (conductor.object(entry) as { status?: { phase?: string } } | undefined)?.status;
  expect(await lab.until(() => status()?.phase === 'Running'), lab.log).toBe(true);
  const backup = lab.api?.backup();
  await conductor.delete(entry);
  expect(await lab.until(() => conductor.object(entry) === undefined && lab.agent.tasks.get(entry.taskId)?.terminal === true), lab.log).toBe(true);
  lab.crash(); // the next worker knows it too
  if (backup !== undefined) await lab.api?.restore(backup);
  expect(status()?.phase).toBe('Running');
  expect(await lab.until(() => status()?.phase === 'Failed', 40_000), lab.log).toBe(true);
  expect(status()?.reason).toBe('TaskOver');
  expect(lab.agent.tasks.get(entry.taskId)?.states.filter((state) => state === 'TASK_KILLED')).toHaveLength(1);
  expect((await lab.shutdown())?.code).toBe(0);
});
