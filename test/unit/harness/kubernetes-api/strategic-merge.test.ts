import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { strategicMerge } from '../../../../src/harness/kubernetes-api/strategic-merge.ts';

type Json = Record<string, unknown>;

const merged = (original: Json, patch: Json): Json => strategicMerge('Pod', original, patch);
const containers = (...items: Json[]): Json => ({ spec: { containers: items } });

describe('a strategic merge patch', () => {
  test.each<[string, Json, Json, Json]>([
    ['sets, replaces and deletes fields', { metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { b: null, c: '3' } } }, { metadata: { labels: { a: '1', c: '3' } } }],
    ['merges containers by name', containers({ name: 'a', image: 'x' }, { name: 'b', image: 'y' }), containers({ name: 'b', image: 'z' }), containers({ name: 'a', image: 'x' }, { name: 'b', image: 'z' })],
    ['adds a container that is not there', containers({ name: 'a' }), containers({ name: 'b' }), containers({ name: 'b' }, { name: 'a' })],
    ['deletes a container by directive', containers({ name: 'a' }, { name: 'b' }), containers({ name: 'a', $patch: 'delete' }), containers({ name: 'b' })],
    ['replaces a whole list by directive', containers({ name: 'a' }, { name: 'b' }), containers({ name: 'c' }, { $patch: 'replace' }), containers({ name: 'c' })],
    ['replaces a list without merge key', { spec: { tolerations: [{ key: 'a' }] } }, { spec: { tolerations: [{ key: 'b' }] } }, { spec: { tolerations: [{ key: 'b' }] } }],
    ['replaces lists of plain values', containers({ name: 'a', command: ['x', 'y'] }), containers({ name: 'a', command: ['z'] }), containers({ name: 'a', command: ['z'] })],
    ['merges finalizers as a set', { metadata: { finalizers: ['a'] } }, { metadata: { finalizers: ['b', 'a'] } }, { metadata: { finalizers: ['b', 'a'] } }],
    ['deletes from a list of plain values', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, { metadata: { finalizers: ['b'] } }],
    [
      'orders a list as $setElementOrder says, what only the server knows in its place',
      containers({ name: 'injected' }, { name: 'a' }, { name: 'b' }),
      { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'a', image: 'x' }] } },
      containers({ name: 'injected' }, { name: 'b' }, { name: 'a', image: 'x' }),
    ],
    [
      'lets a new volume source push out the old one ($retainKeys)',
      { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' }, $retainKeys: ['name', 'hostPath'] }] } },
      { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
    ],
    [
      'merges conditions by type and keeps those of others',
      { status: { conditions: [{ type: 'Ready', status: 'False' }, { type: 'example.com/gate', status: 'True' }] } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      { status: { conditions: [{ type: 'Ready', status: 'True' }, { type: 'example.com/gate', status: 'True' }] } },
    ],
    ['swaps the address of a pod', { status: { podIPs: [{ ip: '1' }] } }, { status: { podIPs: [{ ip: '2' }, { ip: '1', $patch: 'delete' }] } }, { status: { podIPs: [{ ip: '2' }] } }],
    ['replaces an object by directive', { spec: { securityContext: { runAsUser: 1 } } }, { spec: { securityContext: { $patch: 'replace', fsGroup: 2 } } }, { spec: { securityContext: { fsGroup: 2 } } }],
    ['deletes an object by directive', { spec: { securityContext: { runAsUser: 1 } } }, { spec: { securityContext: { $patch: 'delete' } } }, { spec: {} }],
    ['takes what is new as it is, without directives', {}, containers({ name: 'a', env: [{ name: 'X', $patch: 'delete' }, { name: 'Y', value: '1' }] }), containers({ name: 'a', env: [{ name: 'Y', value: '1' }] })],
  ])('%s', (_name, original, patch, expected) => {
    const before = structuredClone(original);
    expect(merged(original, patch)).toEqual(expected);
    expect(original).toEqual(before);
  });

  test.each([
    [{ $patch: 'explode' }, 'Unknown patch type'],
    [containers({ image: 'x' }), 'does not contain declared merge key: name'],
  ])('%j is refused', (patch, words) => {
    expect(() => merged(containers({ name: 'a' }), patch)).toThrow(words);
  });

  test('an unknown type merges objects and replaces lists', () => {
    expect(strategicMerge(undefined, { a: { b: 1 }, list: [{ name: 'x' }] }, { a: { c: 2 }, list: [{ name: 'y' }] })).toEqual({ a: { b: 1, c: 2 }, list: [{ name: 'y' }] });
  });

  test('the patch from one pod to another, on the one, gives the other', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const container = fc.record({ name, image: name, env: fc.uniqueArray(fc.record({ name, value: name }), { selector: (item) => item.name, maxLength: 3 }) });
    const aPod = fc.record({
      metadata: fc.record({ labels: fc.dictionary(name, name), finalizers: fc.uniqueArray(name, { maxLength: 3 }) }),
      spec: fc.record({ containers: fc.uniqueArray(container, { selector: (item) => item.name, maxLength: 3 }), tolerations: fc.array(fc.record({ key: name }), { maxLength: 2 }) }),
    });
    fc.assert(
      fc.property(aPod, aPod, (from, to) => {
        expect(merged(from, patchBetween(from, to))).toEqual(to);
      }),
    );
  });
});

/** A patch that turns `from` into `to`, made as kubectl makes them: with order and deletions spelt out. */
function patchBetween(from: Json, to: Json): Json {
  const keyOf: Record<string, string> = { containers: 'name', env: 'name', finalizers: '' };
  const patch: Json = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [a, b] = [from[name], to[name]];
    const key = keyOf[name];
    if (b === undefined) patch[name] = null;
    else if (Array.isArray(b) && key === '') {
      const gone = (a as unknown[]).filter((item) => !b.includes(item));
      patch[name] = b;
      patch[`$deleteFromPrimitiveList/${name}`] = gone;
      patch[`$setElementOrder/${name}`] = b;
    } else if (Array.isArray(b) && key !== undefined) {
      const items = (a ?? []) as Json[];
      const gone = items.filter((item) => !b.some((other: Json) => other[key] === item[key])).map((item) => ({ [key]: item[key], $patch: 'delete' }));
      patch[name] = [...b.map((item: Json) => ({ ...patchBetween(items.find((other) => other[key] === item[key]) ?? {}, item), [key]: item[key] })), ...gone];
      patch[`$setElementOrder/${name}`] = b.map((item: Json) => ({ [key]: item[key] }));
    } else if (typeof b === 'object' && !Array.isArray(b)) patch[name] = patchBetween((a ?? {}) as Json, b as Json);
    else patch[name] = b;
  }
  return patch;
}
