/** A worker that dies before it has found out whether there is room for a pod: whoever comes after it finds out first. */
import { expect, test } from 'vitest';
import { runPoint } from './points/run-points.ts';
import { SCENARIOS } from './points/scenarios.ts';

test.each([3, 4, 5, 6])('a pod without room never runs, whenever the worker dies (entry %i of the journal)', async (nth) => {
  const scenario = SCENARIOS.find(({ name }) => name === 'refused');
  if (scenario === undefined) throw new Error('there is no such scenario');
  const { faults, log } = await runPoint(scenario, { name: 'journal.append', nth, when: 'after' });
  expect(faults, log.slice(-4000)).toEqual([]);
  expect(log).toContain('starting it anew');
});
