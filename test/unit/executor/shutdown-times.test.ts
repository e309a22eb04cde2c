import { expect, it } from 'vitest';
import { shutdownTimes } from '../../../src/executor/shutdown-times.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const never = new Promise<void>(() => undefined);

it('what is done one after the other shares what is left of the grace', async () => {
  const clock = new ManualClock();
  const began = clock.now();
  const { inTime, leftMs } = shutdownTimes(clock, 5000);
  let over = 0;
  const end = (async () => {
    for (; over < 3; over++) await inTime(never); // an API that hangs, a network plugin that does, an Engine that does
  })();
  await clock.advance(4499);
  expect([over, leftMs()]).toEqual([0, 1]);
  await clock.advance(500);
  await end;
  expect(clock.now() - began).toBeLessThan(5000);
  expect(clock.pending).toBe(0);
});

it('what is over is not waited for, and what fails is told', async () => {
  const clock = new ManualClock();
  const { inTime } = shutdownTimes(clock, 5000);
  await inTime(Promise.resolve());
  await expect(inTime(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  await settle();
  expect(clock.pending).toBe(0);
});

it('the grace is as long as it is, also where the wall clock is set meanwhile', async () => {
  const clock = new ManualClock();
  const { leftMs } = shutdownTimes(clock, 5000);
  for (const ms of [-3_600_000, 7_200_000]) {
    clock.set(ms);
    expect(leftMs()).toBe(4500);
  }
});
