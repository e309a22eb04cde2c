import { describe, expect, it } from 'vitest';
import { Flood } from '../../../src/base/index.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whether the process holds its breath between this turn of the event loop and the next. */
async function waits(): Promise<boolean> {
  const began = performance.now();
  await turn();
  return performance.now() - began >= 0.2;
}

/** Whether any of these tries came to so much, as a busy machine adds to what a turn takes. */
async function mostly(what: () => Promise<boolean>): Promise<boolean> {
  let yes = 0;
  for (let i = 0; i < 101; i++) if (await what()) yes += 1;
  return yes > 50;
}

describe('a flood', () => {
  it('of small pieces is given a moment to gather', async () => {
    const flood = new Flood();
    expect(
      await mostly(() => {
        flood.took(4096);
        flood.took(4096);
        return waits();
      }),
    ).toBe(true);
  });

  it('of large pieces is not, nor a piece that comes alone', async () => {
    expect(
      await mostly(() => {
        new Flood().took(10);
        return waits();
      }),
    ).toBe(false);
    const flood = new Flood();
    expect(
      await mostly(() => {
        flood.took(1_000_000);
        flood.took(1_000_000);
        return waits();
      }),
    ).toBe(false);
  });
});
