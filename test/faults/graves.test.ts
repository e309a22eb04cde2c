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
