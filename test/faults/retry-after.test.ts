/** An API that is overloaded and says for how long it wants to be left alone. */
import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { Conductor } from './carry-out.ts';
import { Laboratory, NODE_NAME } from './laboratory.ts';
import { randomOf } from './random.ts';

const ASKED_MS = 7000;

test('nobody asks again for the same before that', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true, flags: ['--node-status-update-frequency=1s'] });
  await lab.spawn();
  expect(await lab.until(() => lab.api?.get({ group: '', resource: 'nodes', name: NODE_NAME }) !== undefined), lab.log).toBe(true);
  lab.api?.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' }, data: { key: 'value' } });
  const asked = new Map<string, number[]>();
  lab.toApi?.break({
    fault: { kind: 'answer', status: 429, headers: { 'retry-after': String(ASKED_MS / 1000) }, body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 429, reason: 'TooManyRequests', message: 'slow down' }) },
    times: Infinity,
    matches: ({ method, path }) => {
      const what = `${method} ${path.split('?')[0] ?? ''}`;
      asked.set(what, [...(asked.get(what) ?? []), Date.now()]);
      return true;
    },
  });
  const { taskId } = new Conductor(lab, { seed: 1 }, undefined).launch({ kind: 'whole', name: 'pod', bound: true });
  await sleep(2.5 * ASKED_MS);
  expect([...asked.keys()]).toEqual(expect.arrayContaining(['PATCH /api/v1/namespaces/default/pods/pod/status', 'POST /api/v1/namespaces/default/events', `GET /api/v1/nodes/${NODE_NAME}`]));
  const early = [...asked].flatMap(([what, times]) => times.flatMap((at, n) => (n > 0 && at - (times[n - 1] ?? 0) < ASKED_MS - 100 ? [`${what}: again after ${at - (times[n - 1] ?? 0)} ms`] : [])));
  expect(early, lab.log).toEqual([]);
  await lab.heal();
  expect(await lab.until(() => lab.agent.tasks.get(taskId)?.states.includes('TASK_RUNNING') === true, 60_000), lab.log).toBe(true);
  await lab.shutdown();
});
