import { describe, expect, test } from 'vitest';
import { longerStreak, type ProbeStreak, resultOf } from '../../../src/pod/index.ts';

describe('the streak of a probe', () => {
  test.each<[string, string, { successThreshold?: number; failureThreshold?: number }, ProbeStreak, boolean | undefined]>([
    ['one success', '+', {}, { ok: true, times: 1 }, true],
    ['one failure of the usual three', '-', {}, { ok: false, times: 1 }, undefined],
    ['two failures of three', '--', {}, { ok: false, times: 2 }, undefined],
    ['three failures', '---', {}, { ok: false, times: 3 }, false],
    ['no more than it takes', '-----', {}, { ok: false, times: 3 }, false],
    ['a success between failures', '--+--', {}, { ok: false, times: 2 }, undefined],
    ['a failure after successes', '+++-', {}, { ok: false, times: 1 }, undefined],
    ['one success of two', '-+', { successThreshold: 2 }, { ok: true, times: 1 }, undefined],
    ['two successes of two', '++', { successThreshold: 2 }, { ok: true, times: 2 }, true],
    ['one failure where that is enough', '+-', { failureThreshold: 1 }, { ok: false, times: 1 }, false],
  ])('%s', (_what, outcomes, probe, streak, result) => {
    const after = [...outcomes].reduce<ProbeStreak | undefined>((before, outcome) => longerStreak(before, outcome === '+', probe), undefined);
    expect(after).toEqual(streak);
    expect(after && resultOf(after, probe)).toBe(result);
  });

  test('is the same one while nothing changes', () => {
    const enough = { ok: true, times: 1 };
    expect(longerStreak(enough, true, {})).toBe(enough);
  });
});
