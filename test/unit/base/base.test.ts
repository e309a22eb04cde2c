import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Backoff, Deadline, goDuration, isCode, KeyedWorker, KmError, messageOf, parseGoDuration, parseMesosDuration, RepeatingTask, sleep, systemClock, timeoutSignal } from '../../../src/base/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

describe('durations', () => {
  it.each([
    ['5secs', 5000],
    ['15mins', 900_000],
    ['2.5hrs', 9_000_000],
    ['1weeks', 604_800_000],
    ['100ms', 100],
    ['1us', 0.001],
    ['10 secs', 10_000],
  ])('Mesos writes %s for %d ms', (text, ms) => {
    expect(parseMesosDuration(text)).toBe(ms);
  });

  it.each([
    ['0', 0],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    ['300ms', 300],
  ])('Go writes %s for %d ms', (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });

  it.each([
    [0, '0s'],
    [300, '300ms'],
    [1500, '1.5s'],
    [10_000, '10s'],
    [60_000, '1m0s'],
    [90_000, '1m30s'],
    [14_400_000, '4h0m0s'],
    [90_061_000, '25h1m1s'],
  ])('%d ms are written as Go does: %s', (ms, text) => {
    expect(goDuration(ms)).toBe(text);
    expect(parseGoDuration(text)).toBe(ms);
  });

  it('refuses everything else with a clear error and never hangs on it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseMesosDuration, parseGoDuration]) {
          try {
            expect(parse(text)).toBeTypeOf('number');
          } catch (error) {
            expect(isCode(error, 'invalid')).toBe(true);
          }
        }
      }),
    );
    expect(() => parseMesosDuration('5 parsecs')).toThrow('"5 parsecs" is no duration');
  });
});

describe('Backoff', () => {
  it('doubles up to its maximum, with jitter only downwards, and starts anew after a reset', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 350, random: () => 0.5 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([75, 150, 262.5, 262.5]);
    backoff.reset();
    expect(backoff.next()).toBe(75);
  });

  it('leaves who asks for it alone, a minute at most, and grows all the same', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 400, jitter: 0 });
    const asks = (retryAfterMs: number): KmError => new KmError('unavailable', 'busy', { retryAfterMs });
    const delays = [asks(7000), new KmError('unavailable', 'wrapped', { cause: asks(3600_000) }), asks(1), new Error('other'), undefined].map((error) => backoff.next(error));
    expect(delays).toEqual([7000, 60_000, 400, 400, 400]);
  });
});

describe('the clock of the system', () => {
  const DAY_MS = 86_400_000;

  it.each([1, 10, 24.9, 60, 400])('calls after %d days, and not before', (days) => {
    vi.useFakeTimers();
    try {
      const calls: number[] = [];
      const began = Date.now();
      systemClock.after(days * DAY_MS, () => calls.push((Date.now() - began) / DAY_MS));
      systemClock.after(days * DAY_MS + 1000, () => calls.push(NaN))();
      vi.advanceTimersByTime(days * DAY_MS - 1);
      expect(calls).toEqual([]);
      vi.advanceTimersByTime(DAY_MS);
      expect(calls).toEqual([days]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps signals that are for later from aborting at once', async () => {
    for (const ms of [2 ** 31, 2 ** 33, Infinity]) {
      const signal = timeoutSignal(ms);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(signal.aborted).toBe(false);
    }
  });

  it('takes back what it has begun to wait for', () => {
    vi.useFakeTimers();
    try {
      const cancel = systemClock.after(60 * DAY_MS, () => expect.unreachable());
      vi.advanceTimersByTime(30 * DAY_MS);
      cancel();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('sleep', () => {
  it('ends early when its signal aborts and leaves no timer behind', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const sleeping = sleep(clock, 1000, stop.signal);
    expect(clock.pending).toBe(1);
    stop.abort();
    await expect(sleeping).rejects.toSatisfy((error) => isCode(error, 'aborted'));
    expect(clock.pending).toBe(0);
  });
});

describe('Deadline', () => {
  it('only comes nearer', async () => {
    const clock = new ManualClock();
    using deadline = new Deadline(clock, 10_000);
    deadline.shorten(20_000);
    expect(deadline.remainingMs()).toBe(10_000);
    deadline.shorten(3000);
    await clock.advance(2999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('neither moves nor grows where the wall clock is set', async () => {
    const clock = new ManualClock();
    using deadline = new Deadline(clock, 10_000);
    clock.set(-3_600_000);
    deadline.shorten(20_000);
    expect(deadline.remainingMs()).toBe(10_000);
    clock.set(7_200_000);
    expect(deadline.remainingMs()).toBe(10_000);
    await clock.advance(10_000);
    expect(deadline.signal.aborted).toBe(true);
  });

  it('has passed at once with no grace', () => {
    using deadline = new Deadline(new ManualClock(), 0);
    expect(deadline.signal.aborted).toBe(true);
  });
});

describe('KeyedWorker', () => {
  it('is serial per key, side by side across keys, and keeps only the newest of what waits', async () => {
    const done: string[] = [];
    const gates = new Map<string, () => void>();
    const worker = new KeyedWorker<string, string>({
      run: async (key, request) => {
        await new Promise<void>((resolve) => gates.set(key, resolve));
        done.push(`${key}:${request}`);
      },
      onError: () => undefined,
    });
    worker.submit('a', '1');
    worker.submit('b', '1');
    await settle();
    worker.submit('a', '2');
    worker.submit('a', '3');
    gates.get('b')?.();
    await settle();
    expect(done).toEqual(['b:1']);
    gates.get('a')?.();
    await settle();
    gates.get('a')?.();
    await worker.idle();
    expect(done).toEqual(['b:1', 'a:1', 'a:3']);
  });

  it('goes on with the next request after one that failed', async () => {
    const failures: string[] = [];
    const done: string[] = [];
    const worker = new KeyedWorker<string, string>({
      run: async (_key, request) => {
        if (request === 'bad') throw new Error('no');
        done.push(request);
      },
      onError: (_key, error) => failures.push(messageOf(error)),
    });
    worker.submit('a', 'bad');
    await worker.idle('a');
    worker.submit('a', 'good');
    await worker.idle('a');
    expect({ failures, done }).toEqual({ failures: ['no'], done: ['good'] });
  });
});

describe('RepeatingTask', () => {
  it('is not run before the time for which the other side asks, whoever wakes it', async () => {
    const clock = new ManualClock();
    const began = clock.now();
    const runs: number[] = [];
    const task = new RepeatingTask({
      clock, intervalMs: 1000, longestHoldMs: 20_000, onError: () => task.wake(),
      run: async () => {
        runs.push(clock.now() - began);
        if (runs.length <= 2) throw new KmError('unavailable', 'busy', { retryAfterMs: runs.length * 15_000 });
      },
    });
    task.start();
    await clock.advance(5000);
    task.wake();
    await clock.advance(50_000);
    task.wake();
    await settle();
    expect(runs.slice(0, 4)).toEqual([1000, 16_000, 36_000, 37_000]);
    expect(runs.at(-1)).toBe(55_000);
    await task.stop();
    expect(clock.pending).toBe(0);
  });

  it('never overlaps itself, runs once more when woken meanwhile, and ends with stop', async () => {
    const clock = new ManualClock();
    let running = 0;
    let runs = 0;
    let release = (): void => undefined;
    const task = new RepeatingTask({
      clock,
      intervalMs: 100,
      onError: () => undefined,
      run: async () => {
        expect(running).toBe(0);
        running += 1;
        runs += 1;
        await new Promise<void>((resolve) => (release = resolve));
        running -= 1;
      },
    });
    task.start();
    await clock.advance(100);
    task.wake();
    task.wake();
    release();
    await settle();
    expect(runs).toBe(2);
    release();
    await settle();
    await clock.advance(99);
    expect(runs).toBe(2);
    await clock.advance(1);
    expect(runs).toBe(3);
    release();
    await task.stop();
    await clock.advance(1000);
    expect({ runs, pending: clock.pending }).toEqual({ runs: 3, pending: 0 });
  });

  it('goes on after a failure also when the wall clock is set back behind it', async () => {
    const clock = new ManualClock();
    let runs = 0;
    const task = new RepeatingTask({ clock, intervalMs: 10, onError: () => undefined, run: () => (runs++ === 0 ? Promise.reject(new Error('broken')) : Promise.resolve()) });
    task.start();
    await clock.advance(10);
    clock.set(-3_600_000);
    await clock.advance(20);
    task.wake();
    await settle();
    expect(runs).toBe(4);
    await task.stop();
  });

  it('reports a failure and goes on', async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    let runs = 0;
    const task = new RepeatingTask({
      clock,
      intervalMs: 10,
      onError: (error) => errors.push(error),
      run: async () => {
        runs += 1;
        throw new KmError('internal', 'broken');
      },
    });
    task.start();
    await clock.advance(25);
    await task.stop();
    expect({ runs, errors: errors.length }).toEqual({ runs: 2, errors: 2 });
  });
});

describe('messageOf', () => {
  it('tells the causes, each once', () => {
    const error = new KmError('internal', 'cannot write', { cause: new Error('disk full') });
    expect(messageOf(error)).toBe('cannot write: disk full');
    expect(messageOf(new KmError('internal', 'cannot write: disk full', { cause: new Error('disk full') }))).toBe('cannot write: disk full');
    expect(messageOf('text')).toBe('text');
  });
});
