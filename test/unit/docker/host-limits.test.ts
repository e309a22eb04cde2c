import { describe, expect, it } from 'vitest';
import { clampOomScore, parseHostLimits, probeHost } from '../../../src/docker/index.ts';

describe('what the host allows', () => {
  it.each([
    ['all capabilities', 'Name:\tnode\nCapBnd:\t000001ffffffffff\n', '0\n', { sysResource: true, oomScoreAdj: 0 }],
    ['all but CAP_SYS_RESOURCE', 'CapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n', '-500\n', { sysResource: false, oomScoreAdj: -500 }],
    ['nothing to be read', '', '', { sysResource: true, oomScoreAdj: 0 }],
  ])('is read from /proc: %s', (_what, status, score, expected) => {
    expect(parseHostLimits(status, score)).toEqual(expected);
  });

  it('is not limited where /proc cannot be read', async () => {
    expect(await probeHost('/no/such/directory')).toEqual({ sysResource: true, oomScoreAdj: 0 });
  });

  it.each([
    [-998, { sysResource: true, oomScoreAdj: 0 }, -998],
    [-998, { sysResource: false, oomScoreAdj: 0 }, 0],
    [-998, { sysResource: false, oomScoreAdj: -998 }, -998],
    [-998, { sysResource: false, oomScoreAdj: -999 }, -998],
    [-998, { sysResource: false, oomScoreAdj: 500 }, 500],
    [1000, { sysResource: false, oomScoreAdj: 0 }, 1000],
    [3, { sysResource: false, oomScoreAdj: 500 }, 500],
  ])('makes of a score of %i under %o a score of %i, and says why when it differs', (wanted, limits, score) => {
    const clamped = clampOomScore(wanted, limits);
    expect(clamped.score).toBe(score);
    expect(clamped.reason === undefined).toBe(score === wanted);
  });
});
