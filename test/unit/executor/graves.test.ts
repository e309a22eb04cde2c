import { describe, expect, it } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import { Graves } from '../../../src/executor/graves.ts';
import type { Pod } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const WAIT_MS = 10_000;

function deleted(graceSeconds: number): Pod {
  return { metadata: { uid: 'u', namespace: 'ns', name: 'pod', deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: graceSeconds } };
}

function setUp() {
  const clock = new ManualClock();
  const began = clock.now();
  const world = { ours: false, left: false, failures: [] as KmError[], looks: 0, tries: [] as number[], told: [] as number[] };
  const graves = new Graves({
    clock, logger: silentLogger,
    isOurs: () => world.ours,
    isOver: (uid) => uid === 'over',
    isLeft: async () => (world.looks++, world.left),
    remove: async () => {
      world.tries.push(clock.now() - began);
      const failure = world.failures.shift();
      if (failure !== undefined) throw failure;
    },
    tellOfEnd: async () => {
      world.told.push(clock.now() - began);
      const failure = world.failures.shift();
      if (failure !== undefined) throw failure;
    },
  });
  return { clock, graves, world };
}

describe('a pod that is being deleted and that nobody carries', () => {
  it.each([[0, WAIT_MS], [30, 30_000]])('is left alone for its grace of %i s, and for the time that a launch may take', async (graceSeconds, ms) => {
    const { clock, graves, world } = setUp();
    graves.consider(deleted(graceSeconds));
    graves.consider(deleted(graceSeconds));
    await clock.advance(ms - 1);
    expect(world.tries).toEqual([]);
    await clock.advance(600_000);
    expect(world.tries).toEqual([ms]);
    expect(clock.pending).toBe(0);
  });

  it('is tried until the API has done it, and while that asks to be left alone not before', async () => {
    const { clock, graves, world } = setUp();
    world.failures = [new KmError('unavailable', 'etcd leader changed'), new KmError('unavailable', 'busy', { retryAfterMs: 40_000 }), new KmError('denied', 'not yet allowed')];
    graves.consider(deleted(0));
    await clock.advance(600_000);
    expect(world.tries).toHaveLength(4);
    const [first = 0, second = 0, third = 0, fourth = 0] = world.tries;
    expect(second - first).toBeLessThanOrEqual(1000);
    expect(third - second).toBe(40_000);
    expect(fourth - third).toBeLessThanOrEqual(4000);
    expect(clock.pending).toBe(0);
  });

  it('is forgotten when it is gone, has a task after all, or the executor ends', async () => {
    for (const end of ['gone', 'ours', 'aborted'] as const) {
      const { clock, graves, world } = setUp();
      world.failures = Array.from({ length: 3 }, () => new KmError(end === 'aborted' ? 'aborted' : 'unavailable', 'away'));
      graves.consider(deleted(0));
      await clock.advance(WAIT_MS);
      expect(world.tries).toHaveLength(1);
      if (end === 'gone') graves.forget('u');
      world.ours = end === 'ours';
      await clock.advance(600_000);
      expect([world.tries.length, clock.pending]).toEqual([1, 0]);
    }
  });

  it('keeps its object while anything of it is left, whoever has run it', async () => {
    const { clock, graves, world } = setUp();
    world.left = true;
    graves.consider(deleted(0));
    await clock.advance(120_000);
    expect(world.tries).toEqual([]);
    expect(world.looks).toBeGreaterThan(3);
    world.left = false;
    await clock.advance(30_000);
    await settle();
    expect(world.tries).toHaveLength(1);
  });
});

describe('a pod whose task is over, and that the API has running again', () => {
  const restored: Pod = { metadata: { uid: 'over', namespace: 'ns', name: 'pod' }, status: { phase: 'Running' } };

  it('is told to have ended, until the API has heard it, but not before a launch had time to come', async () => {
    const { clock, graves, world } = setUp();
    world.failures = [new KmError('unavailable', 'away')];
    graves.consider(restored);
    graves.consider(restored);
    await clock.advance(WAIT_MS - 1);
    expect(world.told).toEqual([]);
    await clock.advance(600_000);
    expect(world.told).toHaveLength(2);
    expect(world.told[0]).toBe(WAIT_MS);
    expect([world.tries, clock.pending]).toEqual([[], 0]);
  });

  it.each<[string, Pod]>([
    ['has ended there too', { ...restored, status: { phase: 'Failed' } }],
    ['never was a task of ours', { ...restored, metadata: { ...restored.metadata, uid: 'another' } }],
  ])('is left alone where it %s', async (_where, pod) => {
    const { clock, graves, world } = setUp();
    graves.consider(pod);
    await clock.advance(600_000);
    expect([world.told, world.tries]).toEqual([[], []]);
  });

  it('is removed where it is deleted meanwhile', async () => {
    const { clock, graves, world } = setUp();
    graves.consider(restored);
    graves.consider({ ...restored, metadata: { ...restored.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
    await clock.advance(600_000);
    expect([world.told.length, world.tries.length, clock.pending]).toEqual([0, 1, 0]);
  });
});
