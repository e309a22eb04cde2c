import { describe, expect, it, test } from 'vitest';

import { containerCommand, containerEnv, expand, volumeSubPath, type Container, type Service } from '../../../src/pod/index.ts';
import { container, pod } from './samples.ts';

describe('expansion of $(VAR)', () => {
  const env = new Map([
    ['A', 'a'],
    ['EMPTY', ''],
    ['REF', '$(A)'],
  ]);
  test.each([
    ['', ''],
    ['plain', 'plain'],
    ['$(A)', 'a'],
    ['x$(A)y$(A)z', 'xayaz'],
    ['$(EMPTY)', ''],
    ['$(REF)', '$(A)'],
    ['$(NONE)', '$(NONE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$$$$(A)', '$$(A)'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['$(A$(A)', '$(A$(A)'],
    ['$()', '$()'],
    ['$((A))', '$((A))'],
    ['$x$(A)', '$xa'],
    ['\u{1f600}$(A)$\u{1f600}', '\u{1f600}a$\u{1f600}'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, env)).toBe(expected);
  });

  it('takes time linear in the text', () => {
    expect(expand('$('.repeat(200_000), env)).toHaveLength(400_000);
    expect(expand('$(A)'.repeat(200_000), env)).toHaveLength(200_000);
  });
});

const SERVICES: Service[] = [
  { metadata: { name: 'kubernetes', namespace: 'default' }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] } },
  { metadata: { name: 'my-db', namespace: 'shop' }, spec: { clusterIP: '10.96.0.9', ports: [{ name: 'sql', port: 5432 }, { name: 'admin', port: 53, protocol: 'UDP' }] } },
  { metadata: { name: 'headless', namespace: 'shop' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
  { metadata: { name: 'elsewhere', namespace: 'other' }, spec: { clusterIP: '10.96.0.10', ports: [{ port: 1 }] } },
];

describe("a container's environment", () => {
  const envOf = (more: Partial<Container>, given = {}): string[] =>
    containerEnv(
      pod({ containers: [container('web', more)], nodeName: 'node-1', serviceAccountName: 'sa' }, { namespace: 'shop', labels: { app: 'x' }, annotations: { 'a.b/c': 'y' } }),
      container('web', more),
      given,
    ).env;

  it('refers to variables before it and to services, not to those after it', () => {
    const env = envOf(
      { env: [{ name: 'A', value: '$(B)-$(MY_DB_SERVICE_HOST)' }, { name: 'B', value: 'b' }, { name: 'C', value: '$(A) $(B) $$(B)' }] },
      { services: SERVICES },
    );
    expect(env.slice(0, 3)).toEqual(['A=$(B)-10.96.0.9', 'B=b', 'C=$(B)-10.96.0.9 b $(B)']);
  });

  it('holds fields of the pod', () => {
    const paths = ['metadata.name', 'metadata.namespace', 'metadata.uid', "metadata.labels['app']", "metadata.annotations['a.b/c']", "metadata.labels['none']", 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.podIP', 'status.podIPs'];
    const env = paths.map((fieldPath, i) => ({ name: `V${i}`, valueFrom: { fieldRef: { fieldPath } } }));
    expect(envOf({ env }, { podIP: '10.1.2.3', podIPs: ['10.1.2.3', 'fd00::1'], hostIP: '192.0.2.1' })).toEqual(
      ['web', 'shop', 'uid-1', 'x', 'y', '', 'node-1', 'sa', '192.0.2.1', '10.1.2.3', '10.1.2.3,fd00::1'].map((value, i) => `V${i}=${value}`),
    );
  });

  it('holds resources, divided and rounded up; a limit that is not set is what the node has', () => {
    const refs: [string, string | undefined][] = [['limits.cpu', undefined], ['limits.cpu', '1m'], ['requests.cpu', undefined], ['limits.memory', '1Mi'], ['requests.memory', '1Mi'], ['requests.memory', '0']];
    const env = refs.map(([resource, divisor], i) => ({ name: `V${i}`, valueFrom: { resourceFieldRef: { resource, ...(divisor === undefined ? {} : { divisor }) } } }));
    const resources = { limits: { cpu: '1500m' }, requests: { cpu: '250m', memory: '1.5Mi' } };
    expect(envOf({ env, resources }, { nodeAllocatable: { cpuMilli: 4000n, memoryBytes: 2n ** 30n } })).toEqual(['V0=2', 'V1=1500', 'V2=1', 'V3=1024', 'V4=2', 'V5=1572864']);
  });

  it('names the services of its namespace and kubernetes, as Docker links did', () => {
    const env = envOf({ env: [{ name: 'MY_DB_SERVICE_PORT', value: 'mine' }] }, { services: SERVICES });
    expect(env).toEqual([
      'MY_DB_SERVICE_PORT=mine',
      'KUBERNETES_SERVICE_HOST=10.96.0.1',
      'KUBERNETES_SERVICE_PORT=443',
      'KUBERNETES_SERVICE_PORT_HTTPS=443',
      'KUBERNETES_PORT=tcp://10.96.0.1:443',
      'KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443',
      'KUBERNETES_PORT_443_TCP_PROTO=tcp',
      'KUBERNETES_PORT_443_TCP_PORT=443',
      'KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1',
      'MY_DB_SERVICE_HOST=10.96.0.9',
      'MY_DB_SERVICE_PORT_SQL=5432',
      'MY_DB_SERVICE_PORT_ADMIN=53',
      'MY_DB_PORT=tcp://10.96.0.9:5432',
      'MY_DB_PORT_5432_TCP=tcp://10.96.0.9:5432',
      'MY_DB_PORT_5432_TCP_PROTO=tcp',
      'MY_DB_PORT_5432_TCP_PORT=5432',
      'MY_DB_PORT_5432_TCP_ADDR=10.96.0.9',
      'MY_DB_PORT_53_UDP=udp://10.96.0.9:53',
      'MY_DB_PORT_53_UDP_PROTO=udp',
      'MY_DB_PORT_53_UDP_PORT=53',
      'MY_DB_PORT_53_UDP_ADDR=10.96.0.9',
    ]);
  });

  it('names only kubernetes when enableServiceLinks is false', () => {
    const { env } = containerEnv(pod({ enableServiceLinks: false }, { namespace: 'shop' }), container('web'), { services: SERVICES });
    expect(env.filter((line) => !line.startsWith('KUBERNETES_'))).toEqual([]);
    expect(env).toContain('KUBERNETES_SERVICE_HOST=10.96.0.1');
  });

  it('leaves out names that no variable can have, and says which', () => {
    const bad = { ...container('web'), env: [{ name: '1A', value: 'x' }, { name: 'B', value: 'y' }] };
    expect(containerEnv(pod(), bad, {})).toMatchObject({ env: ['B=y'], skipped: ['1A'] });
  });

  it('keeps the last of two variables of one name', () => {
    expect(envOf({ env: [{ name: 'A', value: '1' }, { name: 'A', value: '$(A)2' }] })).toEqual(['A=12']);
  });

  it('goes into command and args; what is not set stays unset', () => {
    expect(containerCommand(container('web', { command: ['sh', '$(A)'], args: ['$(B)', '$(C=)'] }), ['A=1=2', 'B='])).toEqual({ command: ['sh', '1=2'], args: ['', '$(C=)'] });
    expect(containerCommand(container('web', { args: [] }), [])).toEqual({});
  });
});

describe('sub paths', () => {
  test.each([
    [{}, undefined],
    [{ subPath: '' }, undefined],
    [{ subPath: '$(A)' }, '$(A)'],
    [{ subPathExpr: 'x/$(A)' }, 'x/a'],
  ])('%j is %s', (mount, expected) => {
    expect(volumeSubPath(mount, ['A=a'])).toBe(expected);
  });

  test.each([
    ['$(NONE)/$(ALSO)', /missing value for ALSO, NONE/],
    ['$(EMPTY)', /missing value for EMPTY/],
    ['$(UP)/x', /must be a relative path/],
    ['$(ROOT)', /must be a relative path/],
  ])('%s is refused', (subPathExpr, message) => {
    expect(() => volumeSubPath({ subPathExpr }, ['EMPTY=', 'UP=..', 'ROOT=/etc'])).toThrow(message);
  });
});

describe('variables from secrets and config maps', () => {
  const buffers = (texts: Record<string, string>): Map<string, Buffer> => new Map(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)]));
  const objects: Record<string, { data: Map<string, Buffer>; binaryData: Map<string, Buffer> }> = {
    'configMap/app': { data: buffers({ COLOUR: 'red', SIZE: 'small', '1st': 'x', 'ref': '$(COLOUR)' }), binaryData: buffers({ LOGO: 'png' }) },
    'secret/db': { data: buffers({ PASSWORD: 'pw', COLOUR: 'blue', 'with space': '' }), binaryData: new Map() },
  };
  const resultOf = (more: Partial<Container>): ReturnType<typeof containerEnv> =>
    containerEnv(pod({ containers: [container('web', more)] }, { namespace: 'shop' }), container('web', more), { services: SERVICES, object: ({ kind, name }) => objects[`${kind}/${name}`] });
  const app = { configMapRef: { name: 'app' } };
  const db = { secretRef: { name: 'db' } };

  it('come all at once, later objects over earlier ones, `env` over both, binary values never', () => {
    const { env } = resultOf({ envFrom: [app, db], env: [{ name: 'SIZE', value: '$(SIZE) $(PASSWORD)' }] });
    expect(env).toEqual(expect.arrayContaining(['COLOUR=blue', 'SIZE=small pw', 'PASSWORD=pw', 'ref=$(COLOUR)']));
    expect(env.some((line) => line.startsWith('LOGO='))).toBe(false);
  });

  it('may have a prefix, which can make a name out of what is none', () => {
    const { env, skippedFrom } = resultOf({ envFrom: [{ prefix: 'P_', ...app }, db] });
    expect(env).toEqual(expect.arrayContaining(['P_COLOUR=red', 'P_1st=x', 'COLOUR=blue']));
    expect(skippedFrom).toEqual([{ source: 'secret shop/db', keys: ['with space'] }]);
    expect(resultOf({ envFrom: [app] }).skippedFrom).toEqual([{ source: 'configMap shop/app', keys: ['1st'] }]);
  });

  it('hide services of the same name', () => {
    const { env } = resultOf({ envFrom: [{ prefix: 'MY_DB_SERVICE_', configMapRef: { name: 'app' } }], env: [{ name: 'MY_DB_SERVICE_HOST', valueFrom: { configMapKeyRef: { name: 'app', key: 'COLOUR' } } }] });
    expect(env.filter((line) => line.startsWith('MY_DB_SERVICE_HOST='))).toEqual(['MY_DB_SERVICE_HOST=red']);
  });

  it('one by one; one that may be missing and is, is not set at all', () => {
    const { env } = resultOf({
      env: [
        { name: 'A', valueFrom: { secretKeyRef: { name: 'db', key: 'PASSWORD' } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: 'db', key: 'none', optional: true } } },
        { name: 'C', valueFrom: { configMapKeyRef: { name: 'none', key: 'none', optional: true } } },
        { name: 'D', value: '$(A) $(B)' },
      ],
    });
    expect(env.filter((line) => /^[ABCD]=/.test(line))).toEqual(['A=pw', 'D=pw $(B)']);
  });

  test.each<[string, Partial<Container>]>([
    ['secret "none" not found', { envFrom: [{ secretRef: { name: 'none' } }] }],
    ['configmap "none" not found', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } } }] }],
    ["couldn't find key k in Secret shop/db", { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'db', key: 'k' } } }] }],
    ["couldn't find key k in ConfigMap shop/app", { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'app', key: 'k' } } }] }],
  ])('%s', (message, more) => {
    expect(() => resultOf(more)).toThrow(expect.objectContaining({ code: 'workload', message }) as Error);
  });

  it('an object that may be missing and is gives no variables', () => {
    expect(resultOf({ envFrom: [{ secretRef: { name: 'none', optional: true } }] }).env).toEqual(resultOf({}).env);
  });
});
