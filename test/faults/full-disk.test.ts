/** A disk of the executor's own files, and one of the Engine's, that are full for a while. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Entry } from './book.ts';
import { Conductor } from './carry-out.ts';
import { Laboratory } from './laboratory.ts';
import { faultsOfLog } from './promises.ts';
import { randomOf } from './random.ts';

const asRoot = test.skipIf(process.getuid?.() !== 0); // a small disk has to be mounted

function statesOf(lab: Laboratory, { taskId }: Entry): readonly string[] {
  return lab.agent.tasks.get(taskId)?.states ?? [];
}

asRoot('on a full disk pods run on, a worker that dies comes back, ends are told, new pods are refused with the reason; with room all goes on', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true, smallDisk: true });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const launch = (kind: 'server' | 'memory' | 'ready', name: string): Entry => conductor.launch({ kind, name, bound: true });
  const [kept, ended] = [launch('memory', 'kept'), launch('server', 'ended')];
  const until = async (what: string, ask: () => boolean): Promise<void> => expect(await lab.until(ask, 40_000), `${what}\n${lab.log}`).toBe(true);
  await until('both run', () => [kept, ended].every((entry) => statesOf(lab, entry).includes('TASK_RUNNING')));

  await lab.fillDisk();
  const launched: Entry[] = [];
  const refused = (): Entry | undefined => launched.find((entry) => statesOf(lab, entry).includes('TASK_FAILED'));
  // Those that can still be written down wait for room; then there comes one that cannot.
  await until('a pod is refused', () => {
    if (refused() === undefined && launched.length < 60 && launched.every((entry) => statesOf(lab, entry).length > 0)) launched.push(launch('ready', `pod-${launched.length}`));
    return refused() !== undefined;
  });
  const one = refused() as Entry;
  expect(lab.agent.tasks.get(one.taskId)?.updates.at(-1)?.status).toMatchObject({ reason: 'REASON_CONTAINER_LAUNCH_FAILED', message: expect.stringContaining('no space left') as string });
  await until('the API has why', () => (conductor.object(one)?.status as { reason?: string } | undefined)?.reason === 'OutOfDisk');
  const notReady = (): boolean => {
    const node = lab.api?.get({ group: '', resource: 'nodes', name: 'node-of-faults' });
    const { conditions = [] } = (node?.status ?? {}) as { conditions?: { type: string; status: string; message: string }[] };
    return conditions.some(({ type, status, message }) => type === 'Ready' && status === 'False' && message.includes('no space left'));
  };
  await until('the node is not ready', notReady);
  lab.crash();
  await until('the next worker works', () => lab.log.split('executor is up').length === 3 && lab.agent.subscribed);
  lab.agent.kill(ended.taskId);
  await until('the end is told', () => statesOf(lab, ended).includes('TASK_KILLED'));
  expect(lab.agent.tasks.get(kept.taskId)?.terminal).toBe(false);

  await lab.freeDisk();
  await until('the node is ready again', () => !notReady());
  const next = launch('ready', 'next');
  await until('new pods run', () => statesOf(lab, next).includes('TASK_RUNNING'));
  const isOver = (entry: Entry): boolean => statesOf(lab, entry).includes('TASK_FAILED');
  await until('those that waited run', () => launched.every((entry) => isOver(entry) || statesOf(lab, entry).includes('TASK_RUNNING')));
  const waited = launched.filter((entry) => !isOver(entry));
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
  for (const entry of [kept, next, ...waited]) expect(statesOf(lab, entry).at(-1), entry.name).toBe('TASK_KILLED');
  for (const { uid, name } of [kept, ended, next, ...waited]) expect(lab.engine.starts(uid, 'main'), name).toBe(1);
  expect(faultsOfLog(lab.log)).toEqual([]);
});

asRoot('a worker that finds no room to write anything down waits for it, and pods run on', async () => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: false, smallDisk: true });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  const entry = conductor.launch({ kind: 'server', name: 'pod', bound: false });
  const until = async (what: string, ask: () => boolean): Promise<void> => expect(await lab.until(ask, 40_000), `${what}\n${lab.log}`).toBe(true);
  await until('it runs', () => statesOf(lab, entry).includes('TASK_RUNNING'));
  await lab.fillDisk({ reserveToo: true });
  lab.crash();
  await until('the worker says why it waits', () => lab.log.includes('the executor waits for room'));
  await lab.freeDisk();
  await until('it goes on', () => lab.log.split('executor is up').length === 3);
  lab.agent.kill(entry.taskId);
  await until('it is killed', () => statesOf(lab, entry).includes('TASK_KILLED'));
  expect(lab.engine.starts(entry.uid, 'main')).toBe(1);
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
});

test.each([
  ['create', 'CreateContainerError'],
  ['start', 'RunContainerError'],
])('an Engine without room for %s keeps the pod waiting with the reason, and the pod runs once there is room', async (call, reason) => {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: true });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  let sandboxes = 0;
  // The sandbox had room; what comes behind it has not.
  lab.toEngine.break({
    fault: { kind: 'answer', status: 500, body: JSON.stringify({ message: `write /var/lib/docker/${randomBytes(4).toString('hex')}: no space left on device` }) },
    times: 2,
    matches: ({ method, path }) => method === 'POST' && new URL(path, 'http://engine').pathname.endsWith(`/${call}`) && sandboxes++ > 0,
  });
  const entry = conductor.launch({ kind: 'server', name: 'pod', bound: true });
  const waiting = (): { reason?: string; message?: string } | undefined => {
    const { containerStatuses = [] } = (conductor.object(entry)?.status ?? {}) as { containerStatuses?: { state?: { waiting?: { reason?: string; message?: string } } }[] };
    return containerStatuses[0]?.state?.waiting;
  };
  expect(await lab.until(() => waiting()?.reason === reason && waiting()?.message?.includes('no space left on device') === true, 30_000), lab.log).toBe(true);
  expect(await lab.until(() => statesOf(lab, entry).includes('TASK_RUNNING'), 60_000), lab.log).toBe(true);
  expect((await lab.shutdown())?.code, lab.log).toBe(0);
});
