import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { parsePod, parsePodList } from '../../../src/pod/index.ts';
import { rawPod } from './samples.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The message with which it was refused. */
async function refusalOf(reading: Promise<unknown>): Promise<string> {
  const result = await reading.catch((error: unknown) => error);
  expect(result).toMatchObject({ code: 'invalid' });
  return (result as Error).message;
}

const MIB = 1024 * 1024;
const YAML_POD = `---
# a comment
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: &labels {app: web}
  annotations:
    <<: *labels
    mode: "0644"
spec:
  containers:
  - name: web
    image: nginx
    args: ["yes", no]
    ports:
    - containerPort: 80
    securityContext: {runAsUser: 0017}
---
`;

describe('reading a pod', () => {
  const json = JSON.stringify(rawPod());
  test.each([
    ['JSON', bytes(json)],
    ['JSON with white space and a byte order mark', bytes(`\ufeff\n ${json}\n`)],
    ['gzipped JSON', gzipSync(json)],
    ['YAML', bytes('apiVersion: v1\nkind: Pod\nmetadata: {name: web, uid: uid-1}\nspec: {containers: [{name: web, image: "registry.example/web:1"}]}\n')],
    ['gzipped YAML in flow style', gzipSync('{apiVersion: v1, kind: Pod, metadata: {name: web, uid: uid-1}, spec: {containers: [{name: web, image: "registry.example/web:1"}]}}')],
  ])('takes %s', async (_name, data) => {
    expect(await parsePod(data)).toEqual(rawPod());
  });

  it('reads YAML as Kubernetes does: anchors, merge keys, octal numbers, words that stay words', async () => {
    const pod = await parsePod(bytes(YAML_POD));
    expect(pod.metadata?.annotations).toEqual({ app: 'web', mode: '0644' });
    expect(pod.spec?.containers[0]).toMatchObject({ args: ['yes', 'no'], securityContext: { runAsUser: 15 } });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', bytes(''), /^data: empty/],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0, 0x7b, 0x22]), /^data: neither text nor gzip/],
    ['control characters', bytes('{"kind":"Pod"}\0'), /^data: holds control characters/],
    ['a scalar', bytes('hello'), /^data: must be a Kubernetes object/],
    ['a YAML list', bytes('- apiVersion: v1\n  kind: Pod\n'), /^data: a list/],
    ['a JSON list', bytes(`[${JSON.stringify(rawPod())}]`), /^data: a list/],
    ['two documents', bytes('apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n'), /^data: several YAML documents/],
    ['another kind', bytes('{"apiVersion":"v1","kind":"Service"}'), /^kind: must be Pod, not "Service"/],
    ['a kind that is a list', bytes('{"apiVersion":"v1","kind":[]}'), /^kind: must be Pod, not a list/],
    ['no kind', bytes('{"apiVersion":"v1"}'), /^kind: required/],
    ['another version', bytes('{"apiVersion":"v2","kind":"Pod"}'), /^apiVersion: must be v1, not "v2"/],
    ['broken JSON', bytes('{"apiVersion": "v1", "kind": Pod}'), /^data: not valid JSON/],
    ['broken YAML', bytes('kind: Pod\n metadata: x\n'), /^data: not valid YAML/],
    ['a key twice', bytes('kind: Pod\nkind: Pod\n'), /^data: the key "kind" is there twice/],
    ['an unknown alias', bytes('kind: *pod\n'), /^data: not valid YAML/],
    ['half a gzip', gzipSync('{"kind":"Pod"}').subarray(0, 15), /^data: not valid gzip/],
  ])('refuses %s', async (_name, data, message) => {
    expect(await refusalOf(parsePod(data))).toMatch(message);
  });

  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`)];
  test.each<[string, Uint8Array]>([
    ['random bytes', crypto.getRandomValues(new Uint8Array(65_536))],
    ['10 MB of letters', bytes('a'.repeat(10 * MIB))],
    ['10 MB of opening brackets', bytes('['.repeat(10 * MIB))],
    ['10 MB of balanced brackets', bytes('['.repeat(5 * MIB) + ']'.repeat(5 * MIB))],
    ['an object nested a million times', bytes('{"a":'.repeat(MIB) + '1' + '}'.repeat(MIB))],
    ['YAML nested as deep as it goes', bytes('- '.repeat(100_000))],
    ['YAML in flow style, nested', bytes(`a: ${'['.repeat(200_000)}`)],
    ['thousands of YAML documents', bytes('a: b\n---\n'.repeat(20_000))],
    ['a YAML alias bomb', bytes(bomb.join('\n'))],
    ['an alias to itself', bytes(`a: &a [${'*a, '.repeat(90)}]`)],
    ['a gzip bomb', gzipSync(Buffer.alloc(100 * MIB))],
  ])('answers quickly to %s', async (_name, data) => {
    const before = performance.now();
    expect(await refusalOf(parsePod(data))).toMatch(/^(data|kind): /);
    expect(performance.now() - before).toBeLessThan(15_000);
  });

  it('reads or refuses any text, with no other error', async () => {
    const line = fc.constantFrom('kind: Pod', 'apiVersion: v1', '- a', '  b: &x 1', 'c: *x', '{', '}', '[', '"', "'", '|', '? a', ': b', '---', '...', '!!set {a}', '<<: {a: 1}', '%YAML 1.1', '\t', '#');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(line, fc.string()), { maxLength: 12 }), async (lines) => {
        await parsePod(bytes(lines.join('\n'))).catch((error: unknown) => expect(error).toMatchObject({ code: 'invalid' }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('reading a list of static pods', () => {
  it('takes a gzipped PodList whose items leave out their kind', async () => {
    const { apiVersion: _apiVersion, kind: _kind, ...item } = rawPod();
    const data = gzipSync(JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items: [item] }));
    expect(await parsePodList(data)).toEqual([rawPod()]);
  });

  it('takes a list without items', async () => {
    expect(await parsePodList(bytes('{"apiVersion":"v1","kind":"PodList"}'))).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ['a single pod', rawPod(), /^kind: must be PodList, not "Pod"/],
    ['items that are no list', { apiVersion: 'v1', kind: 'PodList', items: {} }, /^items: must be a list/],
    ['an item that is no pod', { apiVersion: 'v1', kind: 'PodList', items: [rawPod(), 'x'] }, /^items\[1\]: must be a Pod/],
    ['an item of another kind', { apiVersion: 'v1', kind: 'List', items: [{ kind: 'Service' }] }, /^items\[0\]\.kind: must be Pod/],
  ])('refuses %s', async (_name, value, message) => {
    expect(await refusalOf(parsePodList(bytes(JSON.stringify(value))))).toMatch(message);
  });
});
