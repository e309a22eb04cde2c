import { expect, test } from 'vitest';

import { StopTurns } from '../../../src/runtime/stop-turns.ts';
import { settle } from '../../support/manual-clock.ts';

const side = (name: string) => ({ name, restartPolicy: 'Always' });
const spec = { initContainers: [{ name: 'init' }, side('s1'), side('s2')], containers: [{ name: 'a' }, { name: 'b' }] };
const running = ['init', 's1', 's2', 'a', 'b'];

/** Which of `names` have their turn. */
async function turnsOf(turns: StopTurns, names: readonly string[], signal = new AbortController().signal): Promise<string[]> {
  const having: string[] = [];
  for (const name of names) void turns.turnOf(name, signal).then(() => having.push(name));
  await settle();
  return having;
}

test('regular containers and init containers stop at once, sidecars do not', async () => {
  expect(await turnsOf(new StopTurns(spec, running), running)).toEqual(['init', 'a', 'b']);
});

test('the last sidecar stops when all regular containers have ended, the first after it', async () => {
  const turns = new StopTurns(spec, running);
  turns.ended('a');
  expect(await turnsOf(turns, ['s1', 's2'])).toEqual([]);
  turns.ended('b');
  expect(await turnsOf(turns, ['s1', 's2'])).toEqual(['s2']);
  turns.ended('s2');
  expect(await turnsOf(turns, ['s1'])).toEqual(['s1']);
});

test('nobody waits for what does not run', async () => {
  expect(await turnsOf(new StopTurns(spec, ['s1', 's2']), ['s1', 's2'])).toEqual(['s2']);
  expect(await turnsOf(new StopTurns(spec, ['s1']), ['s1'])).toEqual(['s1']);
});

test('at the end of the grace all have their turn', async () => {
  const grace = new AbortController();
  const turns = new StopTurns(spec, running);
  const waiting = Promise.all(['s1', 's2'].map((name) => turns.turnOf(name, grace.signal)));
  grace.abort();
  await waiting;
  expect(await turnsOf(turns, ['s1'], grace.signal)).toEqual(['s1']);
});
