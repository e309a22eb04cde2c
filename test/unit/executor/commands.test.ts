import { describe, expect, it, test } from 'vitest';
import { obey } from '../../../src/executor/commands.ts';
import { IdleEnd } from '../../../src/executor/idle-end.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a message', () => {
  test.each<[string, string[], unknown]>([
    ['km:status', [], { kind: 'km:status', tasks: 2 }],
    ['km:status\n', [], { kind: 'km:status', tasks: 2 }],
    ['km:drain', ['drain'], { kind: 'km:drain', tasks: 2 }],
    ['km:restart', ['restart'], { kind: 'km:restart', tasks: 2 }],
    ['kamikaze', ['shutdown told by a message to end'], { kind: 'kamikaze', tasks: 2 }],
    ['km:nonsense', [], undefined],
    ['', [], undefined],
    ['x'.repeat(100_000), [], undefined],
  ])('%.20s', (text, done, answer) => {
    const did: string[] = [];
    const commands = { status: () => ({ tasks: 2 }), drain: () => void did.push('drain'), restart: () => void did.push('restart'), shutdown: (message: string) => void did.push(`shutdown ${message}`) };
    expect(obey(Buffer.from(text), commands)).toEqual(answer);
    expect(did).toEqual(done);
  });
});

describe('an executor without tasks', () => {
  const start = (timeoutMs: number, draining = false): { clock: ManualClock; idle: IdleEnd; ends: string[]; state: { tasks: number; told: number } } => {
    const clock = new ManualClock();
    const ends: string[] = [];
    const state = { tasks: 0, told: 0 };
    return { clock, ends, state, idle: new IdleEnd({ clock, timeoutMs, isIdle: () => state.tasks === 0, end: (message) => ends.push(message), draining, onDrain: () => { state.told += 1; } }) };
  };

  it('ends when its time is over, counted from the last task', () => {
    const { clock, idle, ends, state } = start(1000);
    idle.look();
    clock.jump(900);
    state.tasks = 1;
    idle.look();
    clock.jump(5000);
    state.tasks = 0;
    idle.look();
    clock.jump(900);
    idle.look();
    expect(ends).toEqual([]);
    clock.jump(100);
    expect(ends).toEqual(['no task for 1s']);
  });

  it('never ends where that is switched off, but when it drains', () => {
    const { clock, idle, ends, state } = start(0);
    idle.look();
    clock.jump(10 ** 9);
    state.tasks = 1;
    idle.drain();
    expect([ends, idle.draining]).toEqual([[], true]);
    state.tasks = 0;
    idle.look();
    expect([ends, state.told]).toEqual([['the executor has drained'], 1]);
  });

  it('drains on where the process before it did', () => {
    const { idle, ends } = start(0, true);
    expect(idle.draining).toBe(true);
    idle.look();
    expect(ends).toEqual(['the executor has drained']);
  });

  it('does not end once it is stopped', () => {
    const { clock, idle, ends } = start(1000);
    idle.look();
    idle.stop();
    clock.jump(2000);
    expect(ends).toEqual([]);
  });
});
