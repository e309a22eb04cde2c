import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { systemClock } from '../../../src/base/index.ts';
import { EmbeddedApi, type ApiRequest } from '../../../src/harness/kubernetes-api/index.ts';
import { KubernetesClient, loadKubeconfig, PodObjects } from '../../../src/kubernetes/index.ts';
import { type DataRef, defaultPod, type PodSpec, type ValidPod } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { answer, refuse, ScriptedApi, until } from './scripted-api.ts';

const signal = new AbortController().signal;
const SECRET: DataRef = { kind: 'secret', name: 's' };
const CONFIG: DataRef = { kind: 'configMap', name: 'c' };

function aPod(spec: Partial<PodSpec> = {}, uid = 'uid-1'): ValidPod {
  return defaultPod({ metadata: { name: `pod-${uid}`, namespace: 'shop', uid }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } }, { uid }) as ValidPod;
}

const withSecret = { volumes: [{ name: 'v', secret: { secretName: 's' } }] };
const withConfig = { volumes: [{ name: 'v', configMap: { name: 'c' } }] };

describe('secrets and config maps of pods', () => {
  let api: EmbeddedApi;
  let client: KubernetesClient;
  let objects: PodObjects;
  let requests: ApiRequest[];

  beforeEach(async () => {
    api = await EmbeddedApi.start();
    requests = [];
    api.onRequest((request) => requests.push(request));
    const folder = await mkdtemp(join(tmpdir(), 'km-objects-'));
    await writeFile(join(folder, 'config'), api.kubeconfig());
    client = new KubernetesClient({ access: await loadKubeconfig(join(folder, 'config')), logger: silentLogger });
    await rm(folder, { recursive: true });
    objects = new PodObjects({ client, clock: systemClock, logger: silentLogger });
  });
  afterEach(async () => {
    await objects.stop();
    await client.close();
    await api.stop();
  });

  const put = (kind: string, name: string, more: object): void =>
    void api.put({ apiVersion: 'v1', kind, metadata: { name, namespace: 'shop' }, ...more });
  const text = async (ref: DataRef, key: string): Promise<string | undefined> => (await objects.object(aPod(), ref, signal))?.data.get(key)?.toString();

  it('are decoded', async () => {
    put('Secret', 's', { data: { k: Buffer.from('value').toString('base64') } });
    put('ConfigMap', 'c', { data: { k: 'välue' }, binaryData: { b: Buffer.from([0, 255]).toString('base64') } });
    objects.hold(aPod({ volumes: [...withSecret.volumes, { name: 'w', configMap: { name: 'c' } }] }), () => undefined);
    expect(await text(SECRET, 'k')).toBe('value');
    expect(await text(CONFIG, 'k')).toBe('välue');
    expect((await objects.object(aPod(), CONFIG, signal))?.binaryData.get('b')).toEqual(Buffer.from([0, 255]));
  });

  it('that are not there are known not to be, until they come', async () => {
    let changes = 0;
    objects.hold(aPod(withSecret), () => changes++);
    expect(await objects.object(aPod(), SECRET, signal)).toBeUndefined();
    put('Secret', 's', { data: { k: 'dg==' } });
    await until(() => changes === 1, 'the change');
    expect(await text(SECRET, 'k')).toBe('v');
  });

  it('are told of when they change or go, once a change', async () => {
    put('ConfigMap', 'c', { data: { k: '1' } });
    let changes = 0;
    objects.hold(aPod(withConfig), () => changes++);
    expect(await text(CONFIG, 'k')).toBe('1');
    expect(changes).toBe(1);
    put('ConfigMap', 'c', { data: { k: '2' } });
    await until(() => changes === 2, 'the second');
    expect(await text(CONFIG, 'k')).toBe('2');
    await client.delete({ apiVersion: 'v1', resource: 'configmaps', namespace: 'shop', name: 'c' });
    await until(() => changes === 3, 'the end');
    expect(await objects.object(aPod(), CONFIG, signal)).toBeUndefined();
  });

  it('are asked for by name only, once for all pods, and only as long as one holds them', async () => {
    put('Secret', 's', { data: { k: 'dg==' } });
    put('Secret', 'of-somebody-else', { data: { k: 'dg==' } });
    objects.hold(aPod(withSecret, 'a'), () => undefined);
    objects.hold(aPod(withSecret, 'b'), () => undefined);
    await text(SECRET, 'k');
    const asked = requests.map(({ path }) => path).filter((path) => path.includes('/secrets'));
    expect(asked.filter((path) => !path.includes('watch='))).toHaveLength(1);
    for (const path of asked) expect(path).toMatch(/^\/api\/v1\/namespaces\/shop\/secrets\?(.*&)?fieldSelector=metadata\.name%3Ds(&|$)/);
    objects.release('a');
    expect(await text(SECRET, 'k')).toBe('v');
    objects.release('b');
    await expect(objects.object(aPod(), SECRET, signal)).rejects.toMatchObject({ message: 'object "shop"/"s" not registered' });
  });

  it('that a pod names no longer are let go, those that it names now are held', async () => {
    put('ConfigMap', 'c', { data: { k: '1' } });
    objects.hold(aPod(withSecret), () => undefined);
    await objects.object(aPod(), SECRET, signal);
    objects.hold(aPod(withConfig), () => undefined);
    expect(await text(CONFIG, 'k')).toBe('1');
    await expect(objects.object(aPod(), SECRET, signal)).rejects.toThrow('not registered');
  });

  it('that say that they never change are not watched', async () => {
    put('ConfigMap', 'c', { data: { k: '1' }, immutable: true });
    let changes = 0;
    objects.hold(aPod(withConfig), () => changes++);
    expect(await text(CONFIG, 'k')).toBe('1');
    put('ConfigMap', 'c', { data: { k: '2' }, immutable: true });
    put('Service', 'kubernetes', {});
    await objects.services(aPod({ enableServiceLinks: false }), signal);
    expect([await text(CONFIG, 'k'), changes]).toEqual(['1', 1]);
  });

  it('survive an API that goes away: what is known stays known, and what changed meanwhile is told', async () => {
    put('ConfigMap', 'c', { data: { k: '1' } });
    let changes = 0;
    objects.hold(aPod(withConfig), () => changes++);
    expect(await text(CONFIG, 'k')).toBe('1');
    await api.pause();
    put('ConfigMap', 'c', { data: { k: '2' } });
    expect([await text(CONFIG, 'k'), changes]).toEqual(['1', 1]);
    await api.resume();
    await until(() => changes === 2, 'the change');
    expect(await text(CONFIG, 'k')).toBe('2');
  });
});

const REFUSED = 'no relationship found between node and this object';

test('a secret that the API does not give is waited for a little, then said why', async () => {
  const clock = new ManualClock();
  await using api = await ScriptedApi.start((_request, response) => refuse(response, 403, 'Forbidden', REFUSED));
  const objects = new PodObjects({ client: api.client(), clock, logger: silentLogger });
  objects.hold(aPod(withSecret), () => undefined);
  await until(() => api.requests.some(({ path }) => path.endsWith('/secrets')), 'the question');
  const told = expect(objects.object(aPod(), SECRET, signal)).rejects.toMatchObject({ code: 'unavailable', message: `failed to sync secret cache: ${REFUSED}` });
  await until(() => clock.pending > 1, 'a pause');
  await clock.advance(6000);
  await told;
  const calledOff = new AbortController();
  const other = expect(objects.object(aPod(), SECRET, calledOff.signal)).rejects.toMatchObject({ code: 'aborted' });
  calledOff.abort();
  await other;
  await objects.stop();
  expect(clock.pending).toBe(0);
});

describe('services', () => {
  const service = (name: string, namespace: string, clusterIP: string): object => ({ metadata: { name, namespace, resourceVersion: '5', labels: { big: 'x' } }, spec: { clusterIP, ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] } });

  test.each([
    [true, '/api/v1/services', null],
    [false, '/api/v1/namespaces/default/services', 'metadata.name=kubernetes'],
  ])('are asked for when a pod comes, links %s: %s', async (enableServiceLinks, path, fieldSelector) => {
    await using api = await ScriptedApi.start((request, response) => {
      if (request.query.get('watch') === 'true') return void response.write('');
      answer(response, 200, { kind: 'ServiceList', metadata: { resourceVersion: '5' }, items: [service('kubernetes', 'default', '10.96.0.1'), service('headless', 'shop', 'None')] });
    });
    const objects = new PodObjects({ client: api.client(), clock: systemClock, logger: silentLogger });
    expect(api.requests).toEqual([]);
    const pod = aPod({ enableServiceLinks });
    objects.hold(pod, () => undefined);
    expect(await objects.services(pod, signal)).toEqual([{ metadata: { name: 'kubernetes', namespace: 'default' }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, protocol: 'TCP' }] } }]);
    await objects.services(pod, signal);
    await until(() => api.requests.length === 2, 'one list, one watch');
    expect(api.requests.map((request) => [request.path, request.query.get('fieldSelector')])).toEqual([[path, fieldSelector], [path, fieldSelector]]);
    await objects.stop();
  });

  it('that nobody has told of yet hold a pod up', async () => {
    const clock = new ManualClock();
    await using api = await ScriptedApi.start(() => undefined);
    const objects = new PodObjects({ client: api.client(), clock, logger: silentLogger });
    const told = expect(objects.services(aPod(), signal)).rejects.toMatchObject({ code: 'unavailable', message: 'services have not yet been read at least once, cannot construct envvars' });
    await clock.advance(5000);
    await told;
    await objects.stop();
  });
});

describe('a token', () => {
  const HOUR = 3_600_000;
  /** An API that gives out numbered tokens of an hour, or fails. */
  async function scene(clock: ManualClock): Promise<{ api: ScriptedApi; tokens: PodObjects; fail: (yes: boolean) => void }> {
    let failing = false;
    let count = 0;
    const api = await ScriptedApi.start((request, response) => {
      if (failing) return refuse(response, 500, 'InternalError', 'etcd is away');
      const { spec } = request.body as { spec: { expirationSeconds: number } };
      answer(response, 201, { kind: 'TokenRequest', spec, status: { token: `token-${count++}`, expirationTimestamp: new Date(clock.now() + spec.expirationSeconds * 1000).toISOString() } });
    });
    const tokens = new PodObjects({ client: api.client(), clock, logger: silentLogger });
    return { api, tokens, fail: (yes) => (failing = yes) };
  }
  const wanted = { expirationSeconds: 3600 };

  it('is asked for by the pod, for its account and its audience', async () => {
    const { api, tokens } = await scene(new ManualClock());
    await using _api = api;
    await tokens.token(aPod({ serviceAccountName: 'robot' }), { expirationSeconds: 700, audience: 'vault' }, signal);
    expect(api.calls).toEqual(['POST /api/v1/namespaces/shop/serviceaccounts/robot/token']);
    expect(api.requests[0]?.body).toMatchObject({ spec: { audiences: ['vault'], expirationSeconds: 700, boundObjectRef: { kind: 'Pod', name: 'pod-uid-1', uid: 'uid-1' } } });
  });

  it('is the same until four fifths of its life are over', async () => {
    const clock = new ManualClock();
    const { api, tokens } = await scene(clock);
    await using _api = api;
    const first = await tokens.token(aPod(), wanted, signal);
    expect(first.refreshAtMs - clock.now()).toBeGreaterThan(0.8 * HOUR - 10_000 - 1000);
    expect(first.refreshAtMs - clock.now()).toBeLessThanOrEqual(0.8 * HOUR);
    await clock.advance(0.79 * HOUR);
    expect((await tokens.token(aPod(), wanted, signal)).token).toBe('token-0');
    await clock.advance(0.02 * HOUR);
    expect((await tokens.token(aPod(), wanted, signal)).token).toBe('token-1');
    expect((await tokens.token(aPod({}, 'uid-2'), wanted, signal)).token).toBe('token-2');
  });

  it('is renewed once a day, however long it lives', async () => {
    const clock = new ManualClock();
    const { api, tokens } = await scene(clock);
    await using _api = api;
    const year = await tokens.token(aPod(), { expirationSeconds: 365 * 24 * 3600 }, signal);
    expect(year.refreshAtMs - clock.now()).toBeLessThanOrEqual(24 * HOUR);
  });

  it('that cannot be renewed is given as long as it lives, and is asked for again soon', async () => {
    const clock = new ManualClock();
    const { api, tokens, fail } = await scene(clock);
    await using _api = api;
    fail(true);
    await expect(tokens.token(aPod(), wanted, signal)).rejects.toMatchObject({ message: expect.stringMatching(/^failed to fetch token: .*etcd is away/) as string });
    fail(false);
    await tokens.token(aPod(), wanted, signal);
    fail(true);
    await clock.advance(0.9 * HOUR);
    expect(await tokens.token(aPod(), wanted, signal)).toMatchObject({ token: 'token-0', refreshAtMs: clock.now() + 10_000 });
    await clock.advance(0.2 * HOUR);
    await expect(tokens.token(aPod(), wanted, signal)).rejects.toThrow('token expired and refresh failed');
    fail(false);
    expect((await tokens.token(aPod(), wanted, signal)).token).toBe('token-1');
  });

  it('of a pod that is gone is forgotten', async () => {
    const { api, tokens } = await scene(new ManualClock());
    await using _api = api;
    await tokens.token(aPod(), wanted, signal);
    tokens.release('uid-1');
    expect((await tokens.token(aPod(), wanted, signal)).token).toBe('token-1');
  });
});
