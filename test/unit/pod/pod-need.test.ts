import { expect, test } from 'vitest';

import { podNeed, type PodSpec } from '../../../src/pod/index.ts';

/** What a container needs is the number after its name's colon; sidecars begin with s. */
const spec = (init: string, app: string): PodSpec => {
  const list = (text: string): PodSpec['containers'] => text.split(' ').filter((name) => name !== '').map((name) => ({ name, image: 'x', ...(name.startsWith('s') && { restartPolicy: 'Always' }) }));
  return { initContainers: list(init), containers: list(app) };
};

test.each<[string, string, string, bigint]>([
  ['nothing', '', '', 0n],
  ['the sum of the containers', '', 'a:1 b:2', 3n],
  ['the greediest init container', 'i:9 j:4', 'a:1 b:2', 9n],
  ['the containers, where they want more than any init container', 'i:2', 'a:1 b:2', 3n],
  ['sidecars beside the containers', 's:5', 'a:1 b:2', 8n],
  ['an init container beside the sidecars before it', 's:5 i:4 t:1', 'a:1', 9n],
  ['an init container alone before the sidecars', 'i:4 s:5', 'a:1', 6n],
  ['sidecars that start one after the other', 's:5 s2:6', '', 11n],
])('a pod needs %s', (_what, init, app, expected) => {
  expect(podNeed(spec(init, app), ({ name }) => BigInt(name.split(':')[1] ?? '0'))).toBe(expected);
});
