/** An Engine that takes calls and never answers them, for good: nothing heals. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Entry } from './book.ts';
import { Conductor } from './carry-out.ts';
import { Laboratory, NODE_NAME } from './laboratory.ts';
import { randomOf } from './random.ts';

/** Of a call, milliseconds. */
const LIMIT_MS = 2000;
const SHUTDOWN_GRACE_MS = 5000;
/** By how much a machine that is busy may be late. */
const BUSY_MS = 700;

let lab: Laboratory | undefined;
afterEach(async () => {
  await lab?.[Symbol.asyncDispose]();
  lab = undefined;
});

/** An executor with a pod that runs. */
async function running(kubernetes: boolean): Promise<{ lab: Laboratory; entry: Entry; states: () => readonly string[] }> {
  const made = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes, shutdownGracePeriodMs: SHUTDOWN_GRACE_MS, flags: [`--runtime-request-timeout=${LIMIT_MS / 1000}s`] });
  lab = made;
  await made.spawn();
  const entry = new Conductor(made, { seed: 1 }, undefined).launch({ kind: 'server', name: 'pod', bound: kubernetes });
  const states = (): readonly string[] => made.agent.tasks.get(entry.taskId)?.states ?? [];
  expect(await made.until(() => states().includes('TASK_RUNNING'), 30_000), made.log).toBe(true);
  return { lab: made, entry, states };
}

describe('a KILL ends a pod although one call is never answered:', () => {
  const isCall = (call: string, { method, path }: { method: string; path: string }): boolean => (call === 'delete' ? method === 'DELETE' : path.split('?')[0]?.endsWith(`/${call}`) === true);

  test.each(['json', 'stop', 'delete'])('%s', async (call) => {
    const { lab: made, entry, states } = await running(false);
    made.toEngine.break({ fault: { kind: 'hang' }, matches: (asked) => isCall(call, asked) });
    made.agent.kill(entry.taskId);
    expect(await made.until(() => made.agent.tasks.get(entry.taskId)?.terminal === true, 20_000), made.log).toBe(true);
    expect(states()).toEqual(['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING', 'TASK_KILLED']);
    expect(made.engine.now(entry.uid)).toEqual([]);
  });
});

test('a start that is never answered is looked at, and made again', async () => {
  const { lab: made } = await running(false);
  made.toEngine.break({ fault: { kind: 'hang' }, times: 2, matches: ({ path }) => path.endsWith('/start') });
  const entry = new Conductor(made, { seed: 2 }, undefined).launch({ kind: 'server', name: 'other', bound: false });
  expect(await made.until(() => made.agent.tasks.get(entry.taskId)?.states.includes('TASK_RUNNING') === true, 30_000), made.log).toBe(true);
  expect(made.engine.starts(entry.uid, 'main')).toBe(1);
});

test('the node is not Ready while the Engine hangs', async () => {
  const { lab: made } = await running(true);
  const ready = (): string | undefined => {
    const { status } = made.api?.get({ group: '', resource: 'nodes', name: NODE_NAME }) as { status?: { conditions?: { type: string; status: string; message?: string }[] } };
    const found = status?.conditions?.find(({ type }) => type === 'Ready');
    return `${found?.status ?? ''} ${found?.message ?? ''}`;
  };
  expect(await made.until(() => ready()?.startsWith('True') === true, 30_000), made.log).toBe(true);
  made.toEngine.break({ fault: { kind: 'hang' }, times: Infinity });
  expect(await made.until(() => ready() === 'False container runtime is down', 40_000), made.log).toBe(true);
  await made.heal();
  expect(await made.until(() => ready()?.startsWith('True') === true, 40_000), made.log).toBe(true);
});

test('an executor that is shut down ends within its grace while the Engine hangs', async () => {
  const { lab: made } = await running(false);
  made.toEngine.break({ fault: { kind: 'hang' }, times: Infinity });
  const began = Date.now();
  made.agent.shutdown();
  await made.until(() => made.exit !== undefined, 20_000);
  expect(Date.now() - began, made.log).toBeLessThan(SHUTDOWN_GRACE_MS + BUSY_MS);
  expect(made.exit).toEqual({ code: 0, signal: null });
});
