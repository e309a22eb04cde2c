/** The end of an executor that is shut down, while others are slow: an agent gets its last updates as long as there is grace, and nothing lasts longer than that. */
import { expect, test } from 'vitest';
import { Conductor } from './carry-out.ts';
import { Laboratory, NODE_NAME } from './laboratory.ts';
import { randomOf } from './random.ts';

/** By how much a machine that is busy may be late. */
const BUSY_MS = 700;

test('an agent that takes its time over each call still hears how the pods ended', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: false });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const entry = conductor.launch({ kind: 'server', name: 'pod', bound: false });
  const states = (): readonly string[] => lab.agent.tasks.get(entry.taskId)?.states ?? [];
  expect(await lab.until(() => states().includes('TASK_RUNNING')), lab.log).toBe(true);
  lab.toAgent.break({ fault: { kind: 'delay', ms: 1500 }, times: 10 });
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
  expect(states(), lab.log).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
});

test('an API that hangs holds up no end', async () => {
  const graceMs = 5000;
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true, shutdownGracePeriodMs: graceMs });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const { taskId } = conductor.launch({ kind: 'server', name: 'pod', bound: true });
  const states = (): readonly string[] => lab.agent.tasks.get(taskId)?.states ?? [];
  const isNode = (): boolean => lab.api?.get({ group: '', resource: 'nodes', name: NODE_NAME }) !== undefined;
  expect(await lab.until(() => states().includes('TASK_RUNNING') && isNode()), lab.log).toBe(true);
  lab.toApi?.break({ fault: { kind: 'hang' }, times: Infinity });
  const began = Date.now();
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
  expect(Date.now() - began, lab.log).toBeLessThan(graceMs + BUSY_MS);
  expect(states()).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
});
