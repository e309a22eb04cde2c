import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  dataKey,
  dataRefs,
  type DataObject,
  environmentDataRefs,
  fieldThatNeedsApi,
  nestedMountPoints,
  type PodSpec,
  type Volume,
  volumeFiles,
  volumeTokens,
} from '../../../src/pod/index.ts';
import { goQuoted } from '../../../src/pod/go-quoted.ts';
import { container, pod } from './samples.ts';

const object = (data: Record<string, string>, binaryData: Record<string, string> = {}): DataObject => ({ data: buffers(data), binaryData: buffers(binaryData) });
const buffers = (texts: Record<string, string>): Map<string, Buffer> => new Map(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));

const OBJECTS: Record<string, DataObject> = {
  'secret/db': object({ user: 'ada', password: 'pw' }),
  'configMap/app': object({ 'app.conf': 'x=1' }, { logo: 'png' }),
};

/** The files as `path: [text, mode]`. */
function filesOf(source: Omit<Volume, 'name'>, spec: Partial<PodSpec> = {}, metadata = {}): Record<string, [string, number]> {
  const valid = pod({ ...spec, volumes: [{ name: 'v', ...source }] }, metadata);
  const volume = valid.spec.volumes?.[0] ?? { name: 'none' };
  const files = volumeFiles(valid, volume, {
    object: (ref) => OBJECTS[dataKey(ref)],
    token: ({ audience, expirationSeconds }) => `token for ${audience ?? 'the API'}, ${expirationSeconds} s`,
    nodeAllocatable: { cpuMilli: 4000n, memoryBytes: 8n * 2n ** 30n },
  });
  return Object.fromEntries([...files].map(([path, { data, mode }]) => [path, [data.toString(), mode]]));
}

describe('what is in a volume', () => {
  it('of a secret: all keys, or those that are named, under their paths and with their modes', () => {
    expect(filesOf({ secret: { secretName: 'db' } })).toEqual({ user: ['ada', 0o644], password: ['pw', 0o644] });
    const items = [{ key: 'user', path: 'a/b' }, { key: 'password', path: 'p', mode: 0o400 }];
    expect(filesOf({ secret: { secretName: 'db', defaultMode: 0o440, items } })).toEqual({ 'a/b': ['ada', 0o440], p: ['pw', 0o400] });
  });

  it('of a config map: also what is no text', () => {
    expect(filesOf({ configMap: { name: 'app', defaultMode: 0 } })).toEqual({ 'app.conf': ['x=1', 0], logo: ['png', 0] });
    expect(filesOf({ configMap: { name: 'app', items: [{ key: 'logo', path: 'l' }] } })).toEqual({ l: ['png', 0o644] });
  });

  test.each<[string, Omit<Volume, 'name'>]>([
    ['secret "none" not found', { secret: { secretName: 'none' } }],
    ['configmap "none" not found', { configMap: { name: 'none' } }],
    ['references non-existent secret key: x', { secret: { secretName: 'db', items: [{ key: 'x', path: 'x' }] } }],
    ['configmap references non-existent config key: x', { configMap: { name: 'app', items: [{ key: 'x', path: 'x' }] } }],
    ['secret "none" not found', { projected: { sources: [{ secret: { name: 'none' } }] } }],
    ['[secret "a" not found, configmap "b" not found]', { projected: { sources: [{ secret: { name: 'a' } }, { configMap: { name: 'b' } }] } }],
  ])('%s', (message, source) => {
    expect(() => filesOf(source)).toThrow(expect.objectContaining({ code: 'workload', message }) as Error);
  });

  it('may be missing where the pod says so, object or key', () => {
    expect(filesOf({ secret: { secretName: 'none', optional: true } })).toEqual({});
    expect(filesOf({ secret: { secretName: 'none', optional: true, items: [{ key: 'x', path: 'x' }] } })).toEqual({});
    expect(filesOf({ configMap: { name: 'app', optional: true, items: [{ key: 'x', path: 'x' }, { key: 'logo', path: 'l' }] } })).toEqual({ l: ['png', 0o644] });
    expect(filesOf({ projected: { sources: [{ configMap: { name: 'none', optional: true } }] } })).toEqual({});
  });

  it('of facts of the pod', () => {
    const field = (path: string, fieldPath: string): object => ({ path, fieldRef: { fieldPath } });
    const items = [
      field('name', 'metadata.name'),
      field('labels', 'metadata.labels'),
      field('annotations', 'metadata.annotations'),
      field('one', "metadata.labels['b']"),
      { path: 'cpu', mode: 0o400, resourceFieldRef: { containerName: 'web', resource: 'requests.cpu', divisor: '1m' } },
      { path: 'memory', resourceFieldRef: { containerName: 'web', resource: 'limits.memory', divisor: '1Mi' } },
    ];
    const spec = { containers: [container('web', { resources: { requests: { cpu: '250m' } } })] };
    const files = filesOf({ downwardAPI: { items } as never }, spec, { labels: { b: '2', a: '1' }, annotations: { note: 'a\n"b"' } });
    expect(files).toEqual({
      name: ['web', 0o644],
      labels: ['a="1"\nb="2"', 0o644],
      annotations: ['note="a\\n\\"b\\""', 0o644],
      one: ['2', 0o644],
      cpu: ['250', 0o400],
      memory: ['8192', 0o644],
    });
    expect(filesOf({ downwardAPI: { items: [field('labels', 'metadata.labels')] as never } })).toEqual({ labels: ['', 0o644] });
  });

  it('of several sources: later ones lie over earlier ones', () => {
    const sources = [{ configMap: { name: 'app' } }, { secret: { name: 'db', items: [{ key: 'user', path: 'logo', mode: 0o600 }] } }];
    expect(filesOf({ projected: { sources, defaultMode: 0o444 } })).toEqual({ 'app.conf': ['x=1', 0o444], logo: ['ada', 0o600] });
  });

  test.each<[string, Partial<PodSpec>, number, number | undefined]>([
    ['everybody, where the pod does not say who runs', {}, 0o644, undefined],
    ['the user of all containers', { securityContext: { runAsUser: 5 } }, 0o600, 5],
    ['the user of all containers, as each says', { containers: [container('a', { securityContext: { runAsUser: 5 } }), container('b', { securityContext: { runAsUser: 5 } })] }, 0o600, 5],
    ['everybody, where they run as different users', { securityContext: { runAsUser: 5 }, containers: [container('a'), container('b', { securityContext: { runAsUser: 6 } })] }, 0o644, undefined],
    ['everybody, where one does not say', { containers: [container('a', { securityContext: { runAsUser: 5 } }), container('b')] }, 0o644, undefined],
    ['the group of the pod', { securityContext: { fsGroup: 7 } }, 0o600, undefined],
  ])('a token is for %s', (_whom, spec, mode, user) => {
    const sources = [{ serviceAccountToken: { path: 'token' } }];
    const valid = pod({ ...spec, volumes: [{ name: 'v', projected: { sources } }] });
    const file = volumeFiles(valid, valid.spec.volumes?.[0] ?? { name: '' }, { object: () => undefined, token: (wanted) => JSON.stringify(wanted) }).get('token');
    expect({ text: file?.data.toString(), mode: file?.mode, user: file?.user }).toEqual({ text: '{"expirationSeconds":3600}', mode, user });
  });
});

describe('what a pod names in the API', () => {
  const spec: Partial<PodSpec> = {
    initContainers: [container('init', { envFrom: [{ secretRef: { name: 's2' } }] })],
    containers: [
      container('web', {
        env: [
          { name: 'A', valueFrom: { secretKeyRef: { name: 's1', key: 'k' } } },
          { name: 'B', valueFrom: { configMapKeyRef: { name: 's1', key: 'k' } } },
          { name: 'C', valueFrom: { secretKeyRef: { name: 's3', key: 'k', optional: true } } },
        ],
      }),
    ],
    imagePullSecrets: [{ name: 'pull' }, { name: 's1' }, {}],
    volumes: [
      { name: 'v1', secret: { secretName: 's1' } },
      { name: 'v2', projected: { sources: [{ configMap: { name: 'c2' } }, { serviceAccountToken: { path: 't', audience: 'vault', expirationSeconds: 700 } }] } },
      { name: 'v3', emptyDir: {} },
    ],
  };

  it('is each object once, wherever it is named', () => {
    expect(dataRefs(pod(spec)).map(dataKey)).toEqual(['secret/pull', 'secret/s1', 'configMap/c2', 'secret/s2', 'configMap/s1', 'secret/s3']);
    expect(environmentDataRefs(pod(spec).spec.containers[0] ?? container('none')).map(dataKey)).toEqual(['secret/s1', 'configMap/s1', 'secret/s3']);
    expect(volumeTokens(pod(spec).spec.volumes?.[1] ?? { name: '' })).toEqual([{ audience: 'vault', expirationSeconds: 700 }]);
  });

  test.each<[string | undefined, Partial<PodSpec>]>([
    ['spec.volumes[0].secret', spec],
    ['spec.volumes[1].projected', { volumes: [{ name: 'a', emptyDir: {} }, { name: 'b', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }],
    ['spec.initContainers[0].envFrom[0]', { initContainers: spec.initContainers ?? [] }],
    ['spec.containers[0].env[1].valueFrom', { containers: [container('a', { env: [{ name: 'A' }, { name: 'B', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }] })] }],
    [undefined, { volumes: [{ name: 'a', downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } }, { name: 'b', projected: { sources: [] } }] }],
  ])('%s needs an API', (field, given) => {
    const { spec: { containers, volumes = [], ...rest }, ...one } = pod(given);
    const [first = container('none'), ...others] = containers;
    const mounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
    expect(fieldThatNeedsApi({ ...one, spec: { ...rest, volumes, containers: [{ ...first, volumeMounts: mounts }, ...others] } })).toBe(field);
  });

  it('is not asked for a volume that no container mounts', () => {
    expect(fieldThatNeedsApi(pod({ volumes: [{ name: 'v', secret: { secretName: 's' } }, { name: 'w', persistentVolumeClaim: { claimName: 'c' } }] }))).toBeUndefined();
  });
});

test.each<[string[], string[]]>([
  [['/v'], []],
  [['/v', '/other'], []],
  [['/v', '/v/a'], ['a']],
  [['/v', '/v/a', '/v/a/b', '/v/ab/c'], ['a', 'ab/c']],
  [['/v', '/v/../w'], []],
  [['/v/', '/v//a/'], ['a']],
  [['v', 'v/x'], ['x']],
  [['/', '/etc'], ['etc']],
])('with mounts at %j there is room in the first one for %j', (paths, expected) => {
  const volumes = paths.map((_path, i) => ({ name: `v${i}`, emptyDir: {} }));
  const volumeMounts = paths.map((mountPath, i) => ({ name: `v${i}`, mountPath }));
  expect(nestedMountPoints(pod({ volumes, containers: [container('web', { volumeMounts })] }), 'v0').sort()).toEqual(expected);
});

describe('a text in quotes', () => {
  test.each([
    ['', '""'],
    ['plain text', '"plain text"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
    ['\0\x1b\x7f', '"\\x00\\x1b\\x7f"'],
    ['\u0085\u00a0\u00ad', '"\\u0085\\u00a0\\u00ad"'],
    ['grüße 世界 \u{1f600}', '"grüße 世界 \u{1f600}"'],
    ['\u{e0001}', '"\\U000e0001"'],
  ])('%j becomes %s', (text, expected) => {
    expect(goQuoted(text)).toBe(expected);
  });

  it('is one line, and says the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = goQuoted(text);
        expect(quoted).not.toMatch(/[\n\r]/);
        const undone = quoted
          .slice(1, -1)
          .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/gu, (_all, x?: string, u?: string, long?: string, short?: string) => {
            const code = x ?? u ?? long;
            if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
            return { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }[short ?? ''] ?? short ?? '';
          });
        expect(undone).toBe(text.toWellFormed());
      }),
    );
  });
});
