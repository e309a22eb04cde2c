/** The last updates of an executor that is shut down go to an agent that is slow, as long as there is grace. */
import { expect, test } from 'vitest';
import { Conductor } from './carry-out.ts';
import { Laboratory } from './laboratory.ts';
import { randomOf } from './random.ts';

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
