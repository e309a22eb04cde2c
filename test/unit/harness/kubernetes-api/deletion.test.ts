import { describe, expect, test } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { pod, PODS, startApi, type Answer } from './client.ts';

const BOUND = { spec: { nodeName: 'n1' } };
const options = (more: object): object => ({ apiVersion: 'v1', kind: 'DeleteOptions', ...more });
const at = (clock: ManualClock, seconds: number): string => `${new Date(clock.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;

describe('deleting a pod', () => {
  test('that runs on a node leaves it there with its deadline', async () => {
    const clock = new ManualClock();
    const { call } = await startApi({ clock });
    await call('POST', PODS, pod('web', BOUND));
    const { code, body } = await call('DELETE', `${PODS}/web`);
    expect([code, body.kind]).toEqual([200, 'Pod']);
    expect(body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, deletionTimestamp: at(clock, 30) });
    expect((await call('GET', `${PODS}/web`)).body.metadata.deletionTimestamp).toBe(at(clock, 30));
  });

  test.each<[string, object, object | undefined, string, number | 'gone']>([
    ['the grace of its spec', { nodeName: 'n', terminationGracePeriodSeconds: 5 }, undefined, '', 5],
    ['the grace of the options', { nodeName: 'n' }, options({ gracePeriodSeconds: 7 }), '', 7],
    ['the grace of the query', { nodeName: 'n' }, undefined, '?gracePeriodSeconds=9', 9],
    ['no grace when forced', { nodeName: 'n' }, options({ gracePeriodSeconds: 0 }), '', 'gone'],
    ['no grace when nobody runs it', {}, undefined, '', 'gone'],
    ['a second for a negative grace', { nodeName: 'n' }, options({ gracePeriodSeconds: -3 }), '', 1],
  ])('takes %s', async (_name, spec, body, query, expected) => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web', { spec: { ...spec } }));
    await call('DELETE', `${PODS}/web${query}`, body);
    const left = await call('GET', `${PODS}/web`);
    expect(expected === 'gone' ? left.code : left.body.metadata.deletionGracePeriodSeconds).toBe(expected === 'gone' ? 404 : expected);
  });

  test('that has ended needs no grace', async () => {
    const { call, patch } = await startApi();
    await call('POST', PODS, pod('web', BOUND));
    await patch(`${PODS}/web/status`, 'merge', { status: { phase: 'Succeeded' } });
    await call('DELETE', `${PODS}/web`);
    expect((await call('GET', `${PODS}/web`)).code).toBe(404);
  });

  test('again can only shorten the time that is left', async () => {
    const clock = new ManualClock();
    const { call } = await startApi({ clock });
    const grace = async (answer: Promise<Answer>): Promise<unknown> => {
      const { metadata } = (await answer).body;
      return [metadata.deletionGracePeriodSeconds, metadata.deletionTimestamp];
    };
    await call('POST', PODS, pod('web', BOUND));
    const first = [30, at(clock, 30)];
    expect(await grace(call('DELETE', `${PODS}/web`))).toEqual(first);
    clock.advance(5000);
    expect(await grace(call('DELETE', `${PODS}/web`))).toEqual(first);
    expect(await grace(call('DELETE', `${PODS}/web`, options({ gracePeriodSeconds: 60 })))).toEqual(first);
    expect(await grace(call('DELETE', `${PODS}/web`, options({ gracePeriodSeconds: 10 })))).toEqual([10, at(clock, 5)]);
    await call('DELETE', `${PODS}/web`, options({ gracePeriodSeconds: 0 }));
    expect((await call('GET', `${PODS}/web`)).code).toBe(404);
  });

  test('of another UID or version is a conflict', async () => {
    const { call } = await startApi();
    const { metadata } = (await call('POST', PODS, pod('web'))).body;
    const other = await call('DELETE', `${PODS}/web`, options({ preconditions: { uid: 'other' } }));
    expect(other).toMatchObject({ code: 409, body: { reason: 'Conflict', message: `Operation cannot be fulfilled on Pod "web": the UID in the precondition (other) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated` } });
    expect((await call('DELETE', `${PODS}/web`, options({ preconditions: { resourceVersion: '1' } }))).code).toBe(409);
    expect((await call('DELETE', `${PODS}/web`, options({ preconditions: { uid: metadata.uid }, gracePeriodSeconds: 0 }))).code).toBe(200);
  });

  test('with finalizers waits for the last of them', async () => {
    const { call, patch, watch } = await startApi();
    await call('POST', PODS, pod('web', { metadata: { finalizers: ['a/b'] } }));
    const events = await watch(PODS);
    await events.next();
    await call('DELETE', `${PODS}/web`);
    expect(await events.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { deletionGracePeriodSeconds: 0 } } });
    await patch(`${PODS}/web`, 'merge', { metadata: { finalizers: null } });
    expect(await events.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'web' } } });
    expect((await call('GET', `${PODS}/web`)).code).toBe(404);
  });

  test('under dryRun=All changes nothing', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    await call('DELETE', `${PODS}/web?dryRun=All`);
    expect((await call('GET', `${PODS}/web`)).code).toBe(200);
  });

  test('by eviction is graceful too', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web', BOUND));
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'web' }, deleteOptions: { gracePeriodSeconds: 3 } };
    expect(await call('POST', `${PODS}/web/eviction`, eviction)).toMatchObject({ code: 201, body: { kind: 'Status', status: 'Success' } });
    expect((await call('GET', `${PODS}/web`)).body.metadata.deletionGracePeriodSeconds).toBe(3);
  });
});

test('deleting what is no pod answers with a Status that names it', async () => {
  const { call } = await startApi();
  const { metadata } = (await call('POST', '/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })).body;
  expect((await call('DELETE', '/api/v1/namespaces/default/configmaps/c')).body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'c', kind: 'configmaps', uid: metadata.uid } });
});

test('deleting a collection takes what the selector lets through', async () => {
  const { call } = await startApi();
  for (const [name, app] of [['a', 'x'], ['b', 'x'], ['c', 'y']] as const) await call('POST', PODS, pod(name, { labels: { app } }));
  expect((await call('DELETE', `${PODS}?labelSelector=app%3Dx`)).body.items.map((item) => item.metadata.name)).toEqual(['a', 'b']);
  expect((await call('GET', PODS)).body.items.map((item) => item.metadata.name)).toEqual(['c']);
});

describe('a namespace', () => {
  test('begins with its default service account', async () => {
    const { api, call } = await startApi();
    await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blue' } });
    expect(api.get({ group: '', resource: 'serviceaccounts', namespace: 'blue', name: 'default' })).toBeDefined();
    expect((await call('GET', '/api/v1/namespaces/blue')).body).toMatchObject({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  });

  test('that is deleted takes in nothing new, gives pods their grace, and goes when it is empty', async () => {
    const { api, call, watch } = await startApi();
    await call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blue' } });
    await call('POST', '/api/v1/namespaces/blue/pods', pod('web', BOUND));
    await call('POST', '/api/v1/namespaces/blue/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } });
    expect((await call('DELETE', '/api/v1/namespaces/blue')).body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    const refused = await call('POST', '/api/v1/namespaces/blue/pods', pod('late'));
    expect(refused).toMatchObject({ code: 403, body: { message: 'pods "late" is forbidden: unable to create new content in namespace blue because it is being terminated' } });
    expect(api.list({ group: '', resource: 'configmaps', namespace: 'blue' })).toEqual([]);
    expect(api.get({ group: '', resource: 'pods', namespace: 'blue', name: 'web' })?.metadata.deletionGracePeriodSeconds).toBe(30);
    const events = await watch('/api/v1/namespaces?fieldSelector=metadata.name%3Dblue');
    expect((await events.next())?.type).toBe('ADDED');
    await call('DELETE', '/api/v1/namespaces/blue/pods/web', options({ gracePeriodSeconds: 0 }));
    expect(await events.next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'blue' } } });
  });
});

describe('binding a pod', () => {
  const binding = (node: string, metadata: object = {}): object => ({ apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web', ...metadata }, target: { apiVersion: 'v1', kind: 'Node', name: node } });

  test('gives it its node and says that it is scheduled', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    expect(await call('POST', `${PODS}/web/binding`, binding('n1', { annotations: { a: 'b' } }))).toMatchObject({ code: 201, body: { status: 'Success' } });
    expect((await call('GET', `${PODS}/web`)).body).toMatchObject({ metadata: { annotations: { a: 'b' } }, spec: { nodeName: 'n1' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } });
  });

  test('that is bound is a conflict', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web', BOUND));
    expect(await call('POST', `${PODS}/web/binding`, binding('n2'))).toMatchObject({ code: 409, body: { message: 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"' } });
  });

  test('of another UID is a conflict', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web'));
    expect((await call('POST', '/api/v1/namespaces/default/bindings', binding('n1', { uid: 'other' }))).code).toBe(409);
  });
});

test('events are forgotten after an hour', async () => {
  const clock = new ManualClock();
  const { api, call } = await startApi({ clock });
  const event = (name: string): object => ({ apiVersion: 'v1', kind: 'Event', metadata: { name }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' }, reason: 'Started', message: 'Started container web', type: 'Normal' });
  await call('POST', '/api/v1/namespaces/default/events', event('old'));
  clock.advance(3_600_001);
  await call('POST', '/api/v1/namespaces/default/events', event('new'));
  expect(api.list({ group: '', resource: 'events' }).map((object) => object.metadata.name)).toEqual(['new']);
});
