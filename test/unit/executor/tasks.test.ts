import { describe, expect, it } from 'vitest';
import { Tasks } from '../../../src/executor/tasks.ts';
import type { JournalEntry } from '../../../src/executor/journal-entry.ts';
import type { Order } from '../../../src/executor/order.ts';
import type { ValidPod } from '../../../src/pod/index.ts';
import type { PodRuntime } from '../../../src/runtime/index.ts';
import type { PodReport, StatusReporter } from '../../../src/status/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';
import { container, pod } from '../pod/samples.ts';

const CAUSE = { kind: 'mesos-shutdown', message: 'down' } as const;

/** Tasks whose pods are told to end, and end when the test says so. */
function setUp(pods: Readonly<Record<string, Partial<ValidPod['spec']>>>) {
  const clock = new ManualClock();
  const kills: [string, number][] = [];
  const noted: string[] = [];
  const orders: Order[] = [];
  const disk = { works: true };
  const runtime = {
    launch: () => undefined,
    get: () => ({ stage: 'syncing' }),
    kill: (uid: string, { graceMs }: { graceMs: number }) => kills.push([uid, graceMs]),
    forget: () => undefined,
  } as unknown as PodRuntime;
  const reporter = { begin: () => undefined, report: () => undefined, progressOf: () => undefined, forget: () => undefined, markGone: () => undefined } as unknown as StatusReporter;
  const record = (entry: JournalEntry): void => {
    if (entry.kind !== 'order') return;
    if (!disk.works) throw new Error('no space left on device');
    noted.push(entry.taskId);
    orders.push(entry.order);
  };
  const tasks = new Tasks({
    clock, logger: silentLogger, launchGraceMs: 1e6, runtime, reporter, kubernetes: () => undefined, record, update: () => undefined, said: () => true, isBygonePod: () => false, forget: () => undefined,
  });
  for (const [name, spec] of Object.entries(pods)) {
    const whole = pod({ containers: [container('c')], terminationGracePeriodSeconds: 30, ...spec }, { uid: name });
    const task = tasks.add(name);
    tasks.claim(task, whole);
    tasks.run(task, { taskId: name, pod: whole, launchedAt: clock.now(), inApi: false });
  }
  const gone = async (taskId: string): Promise<void> => {
    tasks.report({ taskId, pod: pod({}, { uid: taskId }), status: { phase: 'Failed' }, stage: 'terminated', deleted: false, succeededBeforeKill: false, cause: CAUSE });
    await settle();
  };
  const settled = async (taskId: string): Promise<void> => {
    tasks.onSettled({ taskId } as PodReport);
    await settle();
  };
  return { clock, tasks, kills, noted, orders, disk, gone, settled };
}

describe('a KILL', () => {
  const policy = (seconds: number) => ({ grace_period: { nanoseconds: BigInt(seconds) * 1_000_000_000n } });

  it('without a policy has the pod\'s own grace, counted from now also for whoever comes after this process', () => {
    const { clock, tasks, kills, orders } = setUp({ a: {} });
    tasks.kill('a', undefined);
    expect(kills).toEqual([['a', 30_000]]);
    expect(orders.at(-1)).toMatchObject({ untilMs: clock.now() + 30_000, strict: false });
  });

  it('that comes later never gives more time', () => {
    const { clock, tasks, kills } = setUp({ a: {} });
    tasks.kill('a', undefined);
    clock.jump(1000);
    tasks.kill('a', policy(60));
    tasks.kill('a', policy(5));
    expect(kills.map(([, graceMs]) => graceMs)).toEqual([30_000, 29_000, 5000]);
  });

  it('is carried out also where it cannot be written down', () => {
    const { tasks, kills, disk } = setUp({ a: {} });
    disk.works = false;
    expect(() => tasks.kill('a', policy(5))).toThrow('no space left');
    expect(kills).toEqual([['a', 5000]]);
  });
});

describe('at a shutdown', () => {
  const CRITICAL = { priority: 2_000_001_000 };

  it('pods end together where none is critical, each within its own grace', async () => {
    const { tasks, kills } = setUp({ a: {}, b: { terminationGracePeriodSeconds: 3 } });
    void tasks.killAll(CAUSE, 9000);
    await settle();
    expect(kills).toEqual([['a', 9000], ['b', 3000]]);
  });

  it('critical ones end after the others have, with all the time that is left', async () => {
    const { clock, tasks, kills, noted, gone } = setUp({ a: {}, dns: CRITICAL, b: {} });
    void tasks.killAll(CAUSE, 9000);
    await settle();
    expect(kills).toEqual([['a', 6000], ['b', 6000]]);
    expect(noted).toContain('dns'); // were this process to die now
    await clock.advance(1000);
    await gone('a');
    expect(kills).toHaveLength(2);
    await gone('b');
    expect(kills.slice(2)).toEqual([['dns', 8000]]);
  });

  it('critical ones do not wait for ever', async () => {
    const { clock, tasks, kills } = setUp({ slow: {}, dns: CRITICAL });
    void tasks.killAll(CAUSE, 9000);
    await clock.advance(5999);
    expect(kills).toHaveLength(1);
    await clock.advance(1);
    expect(kills.slice(1)).toEqual([['dns', 3000]]);
  });

  it('critical ones alone have the whole time, and the end is told when all have settled', async () => {
    const { tasks, kills, settled } = setUp({ dns: CRITICAL });
    let over = false;
    void tasks.killAll(CAUSE, 9000).then(() => {
      over = true;
    });
    await settle();
    expect(kills).toEqual([['dns', 9000]]);
    expect(over).toBe(false);
    await settled('dns');
    expect(over).toBe(true);
  });

  it('one that has settled meanwhile is not waited for, nor ended again', async () => {
    const { tasks, kills, settled } = setUp({ a: {}, dns: CRITICAL, log: CRITICAL });
    void tasks.killAll(CAUSE, 9000);
    await settle();
    await settled('log');
    await settled('a');
    expect(kills.map(([uid]) => uid)).toEqual(['a', 'dns']);
  });
});
