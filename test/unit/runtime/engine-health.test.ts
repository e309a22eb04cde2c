import { describe, expect, it } from 'vitest';
import { aborted, KmError } from '../../../src/base/index.ts';
import { EngineHealth } from '../../../src/runtime/engine-health.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** What the kubelet allows a runtime that says nothing, milliseconds. */
const KUBELETS_MS = 30_000;

function started() {
  const clock = new ManualClock();
  const health: boolean[] = [];
  const engine = { does: 'answer' as 'answer' | 'hang' | 'refuse', asked: 0 };
  const ping = async (signal?: AbortSignal): Promise<void> => {
    engine.asked += 1;
    if (engine.does === 'refuse') throw new KmError('unavailable', 'away');
    if (engine.does === 'hang') await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(aborted(signal))));
  };
  const looking = new EngineHealth({ engine: { ping }, clock, logger: silentLogger, onHealth: (ok) => health.push(ok) });
  looking.start();
  return { clock, engine, health, looking };
}

describe('the health of an Engine', () => {
  it('is nothing to tell while it answers', async () => {
    const { clock, engine, health, looking } = started();
    await clock.advance(60_000);
    expect(engine.asked).toBeGreaterThan(4);
    expect(health).toEqual([]);
    await looking.stop();
  });

  it.each(['hang', 'refuse'] as const)('is told within the time of the kubelet when calls %s, and again when they do not', async (does) => {
    const { clock, engine, health, looking } = started();
    await clock.advance(10_000);
    engine.does = does;
    await clock.advance(KUBELETS_MS);
    expect(health).toEqual([false]);
    engine.does = 'answer';
    await clock.advance(KUBELETS_MS);
    expect(health).toEqual([false, true]);
    await looking.stop();
  });

  it('takes both signs', async () => {
    const { clock, health, looking } = started();
    looking.seen('lists', false);
    await clock.advance(20_000);
    expect(health).toEqual([false]);
    looking.seen('lists', true);
    expect(health).toEqual([false, true]);
    await looking.stop();
  });

  it('leaves nothing behind, also while nobody answers', async () => {
    const { clock, engine, health, looking } = started();
    engine.does = 'hang';
    await clock.advance(11_000);
    await looking.stop();
    expect(health).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
