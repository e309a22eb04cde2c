/** Streams that break without a word: nobody closes them, and nothing comes any more. */
import { expect, test } from 'vitest';
import { Conductor } from './carry-out.ts';
import { Laboratory } from './laboratory.ts';
import { randomOf } from './random.ts';

test('pods begin and end without any event of the Engine, and none of their containers is started twice', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: false });
  lab.toEngine.break({ fault: { kind: 'silence' }, times: 100, matches: ({ path }) => path.includes('/events') });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const entries = (['server', 'pair', 'ready', 'memory'] as const).map((kind) => conductor.launch({ kind, name: `pod-${kind}`, bound: false }));
  const all = (state: string): boolean => entries.every(({ taskId }) => lab.agent.tasks.get(taskId)?.states.includes(state) === true);
  expect(await lab.until(() => all('TASK_RUNNING'), 30_000), lab.log).toBe(true);
  for (const { taskId } of entries) lab.agent.kill(taskId);
  expect(await lab.until(() => all('TASK_KILLED'), 30_000), lab.log).toBe(true);
  expect(entries.flatMap(({ uid }) => ['main', 'side'].map((name) => lab.engine.starts(uid, name))).filter((starts) => starts > 1), lab.log).toEqual([]);
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
  expect(await lab.leftOvers()).toEqual([]);
});
