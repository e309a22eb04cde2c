import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../../src/base/index.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { pod, PODS, startApi } from './client.ts';

describe('a list', () => {
  test('is ordered by namespace and name and has the version of the store', async () => {
    const { api, call } = await startApi();
    await call('POST', PODS, pod('b'));
    await call('POST', PODS, pod('a'));
    await call('POST', '/api/v1/namespaces/kube-system/pods', pod('a'));
    const { body } = await call('GET', '/api/v1/pods');
    expect(body).toMatchObject({ kind: 'PodList', apiVersion: 'v1' });
    expect(body.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual(['default/a', 'default/b', 'kube-system/a']);
    expect(body.metadata.resourceVersion).toBe(api.get({ group: '', resource: 'pods', namespace: 'kube-system', name: 'a' })?.metadata.resourceVersion);
  });

  test('comes in pages that show one moment, whatever happens between them', async () => {
    const { call } = await startApi();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await call('POST', PODS, pod(name));
    const first = (await call('GET', `${PODS}?limit=2`)).body;
    expect(first.metadata['remainingItemCount']).toBe(3);
    await call('DELETE', `${PODS}/d`);
    await call('POST', PODS, pod('bb'));
    const names: string[] = first.items.map((item) => item.metadata.name);
    for (let next = first.metadata['continue']; typeof next === 'string'; ) {
      const { body } = await call('GET', `${PODS}?limit=2&continue=${next}`);
      names.push(...body.items.map((item) => item.metadata.name));
      next = body.metadata['continue'];
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('whose next page is of a moment that is forgotten ends with 410', async () => {
    const { call } = await startApi({ watchCacheSize: 2 });
    for (const name of ['a', 'b', 'c']) await call('POST', PODS, pod(name));
    const { body } = await call('GET', `${PODS}?limit=1`);
    for (const name of ['d', 'e', 'f']) await call('POST', PODS, pod(name));
    expect(await call('GET', `${PODS}?limit=1&continue=${String(body.metadata['continue'])}`)).toMatchObject({ code: 410, body: { reason: 'Expired' } });
    expect((await call('GET', `${PODS}?continue=nonsense`)).code).toBe(400);
  });

  test('of a version that is not there yet is refused for now', async () => {
    const { call } = await startApi();
    expect(await call('GET', `${PODS}?resourceVersion=99999`)).toMatchObject({ code: 504, body: { reason: 'Timeout', details: { retryAfterSeconds: 1 } } });
  });

  test('obeys both selectors', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('a', { labels: { app: 'x' }, spec: { nodeName: 'n1' } }));
    await call('POST', PODS, pod('b', { labels: { app: 'x' } }));
    await call('POST', PODS, pod('c', { spec: { nodeName: 'n1' } }));
    const names = async (query: string): Promise<string[]> => (await call('GET', `${PODS}?${query}`)).body.items.map((item) => item.metadata.name);
    expect(await names('labelSelector=app%3Dx')).toEqual(['a', 'b']);
    expect(await names('fieldSelector=spec.nodeName%3Dn1')).toEqual(['a', 'c']);
    expect(await names('fieldSelector=spec.nodeName%3Dn1,status.phase%3DPending&labelSelector=!app')).toEqual(['c']);
    expect(await names('fieldSelector=spec.nodeName%3D')).toEqual(['b']);
    expect((await call('GET', `${PODS}?fieldSelector=spec.image%3Dx`)).code).toBe(400);
  });
});

describe('a watch', () => {
  test('tells what there is, then every change, each within a millisecond of its write', async () => {
    const { api, call, patch, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch(PODS);
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } } });
    const delays: number[] = [];
    for (let i = 0; i < 20; i++) {
      let written = 0;
      const stop = api.onChange(() => (written = performance.now()));
      void patch(`${PODS}/a`, 'merge', { metadata: { labels: { i: String(i) } } });
      expect(await events.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { labels: { i: String(i) } } } });
      delays.push(performance.now() - written);
      stop();
    }
    // The client shares the process, so the best run counts: with a timer or Nagle in the way none is that fast.
    expect(Math.min(...delays)).toBeLessThan(2);
    await call('DELETE', `${PODS}/a`);
    expect((await events.next())?.type).toBe('MODIFIED'); // the real server, too, first writes the grace of 0
    expect((await events.next())?.type).toBe('DELETED');
  });

  test('from a version goes on after it', async () => {
    const { call, watch } = await startApi();
    const { metadata } = (await call('POST', PODS, pod('a'))).body;
    await call('POST', PODS, pod('b'));
    const events = await watch(`${PODS}?resourceVersion=${metadata.resourceVersion}`);
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    await call('POST', PODS, pod('c'));
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
  });

  test('from a version that is forgotten ends with an ERROR of 410', async () => {
    const { call, watch } = await startApi({ watchCacheSize: 3 });
    const { metadata } = (await call('POST', PODS, pod('a'))).body;
    for (const name of ['b', 'c', 'd', 'e', 'f']) await call('POST', PODS, pod(name));
    const events = await watch(`${PODS}?resourceVersion=${metadata.resourceVersion}`);
    expect(await events.next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', reason: 'Expired', code: 410, message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/) as string } });
    expect(await events.next()).toBeUndefined();
  });

  test('with a selector tells of an object that begins to match as added, that ceases to as deleted', async () => {
    const { call, patch, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch(`${PODS}?labelSelector=on`);
    await patch(`${PODS}/a`, 'merge', { metadata: { labels: { on: '1' } } });
    await patch(`${PODS}/a`, 'merge', { metadata: { labels: { on: '2' } } });
    const { metadata } = (await patch(`${PODS}/a`, 'merge', { metadata: { labels: { on: null } } })).body;
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { labels: { on: '1' } } } });
    expect(await events.next()).toMatchObject({ type: 'MODIFIED', object: { metadata: { labels: { on: '2' } } } });
    expect(await events.next()).toMatchObject({ type: 'DELETED', object: { metadata: { labels: { on: '2' }, resourceVersion: metadata.resourceVersion } } });
  });

  test('of the pods of a node sees them come by binding', async () => {
    const { call, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1');
    await call('POST', `${PODS}/a/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'a' }, target: { kind: 'Node', name: 'n1' } });
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { spec: { nodeName: 'n1' } } });
  });

  test('gets bookmarks every minute if it wants them, and one at its end', async () => {
    const clock = new ManualClock();
    const { api, call, watch } = await startApi({ clock });
    const events = await watch(`${PODS}?allowWatchBookmarks=true&timeoutSeconds=90`);
    await call('POST', PODS, pod('a'));
    expect((await events.next())?.type).toBe('ADDED');
    const version = api.get({ group: '', resource: 'pods', namespace: 'default', name: 'a' })?.metadata.resourceVersion;
    clock.jump(60_000);
    expect(await events.next()).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Pod', metadata: { resourceVersion: version } } });
    clock.jump(30_000);
    expect((await events.next())?.type).toBe('BOOKMARK');
    expect(await events.next()).toBeUndefined();
  });

  test('that asks for initial events is told when it has them all', async () => {
    const { call, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch(`${PODS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    expect((await events.next())?.type).toBe('ADDED');
    expect(await events.next()).toMatchObject({ type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } });
    expect((await call('GET', `${PODS}?watch=true&sendInitialEvents=true`)).code).toBe(400);
  });

  test('as a table gets a row an event, the columns only once', async () => {
    const { call, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch(PODS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { kind: 'Table', columnDefinitions: expect.any(Array) as unknown[], rows: [{ cells: expect.arrayContaining(['a', '0/1', 'Pending']) as unknown[] }] } });
    await call('POST', PODS, pod('b'));
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { columnDefinitions: null, rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'b' } } }] } });
  });

  test('of events sees one and the same event in both groups', async () => {
    const { call, watch } = await startApi();
    const events = await watch('/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Dweb');
    const core = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' }, reason: 'Started', message: 'Started container web', type: 'Normal', count: 2 };
    await call('POST', '/api/v1/namespaces/default/events', core);
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { apiVersion: 'events.k8s.io/v1', regarding: { name: 'web' }, note: 'Started container web', deprecatedCount: 2 } });
    expect((await call('GET', '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dweb,reason%3DStarted')).body.items).toHaveLength(1);
  });
});

describe('the server', () => {
  test('ends all watches when it stops', async () => {
    const { api, watch } = await startApi();
    const events = await watch(PODS);
    const next = events.next();
    await api.stop();
    expect(await next.catch(() => undefined)).toBeUndefined();
  });

  test('keeps nothing of watches whose clients have gone, nor of itself when it has stopped', async () => {
    const timers = new Set<NodeJS.Timeout>();
    const clock: Clock = {
      now: () => Date.now(),
      elapsed: () => Date.now(),
      after: (ms, fn) => {
        const timer = setTimeout(fn, ms);
        timers.add(timer);
        return () => {
          clearTimeout(timer);
          timers.delete(timer);
        };
      },
    };
    const { api, watch } = await startApi({ clock });
    const watches = await Promise.all(Array.from({ length: 20 }, () => watch(`${PODS}?allowWatchBookmarks=true`)));
    expect(timers.size).toBe(40);
    for (const { end } of watches.slice(1)) end();
    await expect.poll(() => timers.size).toBe(2);
    await api.stop();
    await expect.poll(() => timers.size).toBe(0);
  });

  test('pauses as if it were away, and comes back with all it had', async () => {
    const { api, call, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const events = await watch(`${PODS}?resourceVersion=1000000`);
    const next = events.next();
    await api.pause();
    await expect(next).rejects.toThrow();
    await expect(call('GET', PODS)).rejects.toThrow();
    await api.resume();
    expect((await call('GET', `${PODS}/a`)).code).toBe(200);
  });

  test('restored from a backup, is as it was then, and tells a watch from later on nothing until it gets there', async () => {
    const { api, call, watch } = await startApi();
    await call('POST', PODS, pod('a'));
    const backup = api.backup();
    const { version } = backup;
    await call('POST', PODS, pod('b'));
    await call('DELETE', `${PODS}/a`);
    await api.pause();
    await expect(call('GET', PODS)).rejects.toThrow(); // the client has noticed
    await api.restore(backup);
    expect((await call('GET', PODS)).body).toMatchObject({ metadata: { resourceVersion: String(version) }, items: [{ metadata: { name: 'a' } }] });
    const events = await watch(`${PODS}?resourceVersion=${version + 1}`);
    await call('POST', PODS, pod('c'));
    await call('POST', PODS, pod('d'));
    expect(await events.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'd' } } });
  });

  test('says that the port is taken', async () => {
    const { api } = await startApi();
    await expect(startApi({ port: Number(new URL(api.url).port) })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('takes its token and none, no other, and nothing from web pages', async () => {
    const { api, call } = await startApi();
    expect((await call('GET', PODS, undefined, { authorization: `Bearer ${api.token}` })).code).toBe(200);
    expect(await call('GET', PODS, undefined, { authorization: 'Bearer guess' })).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } });
    expect((await call('GET', PODS, undefined, { origin: 'http://evil.example' })).code).toBe(403);
  });

  test('tells its owner what clients ask for, but no secrets', async () => {
    const { api, call } = await startApi();
    const seen: unknown[] = [];
    api.onRequest(({ method, path, status, body }) => seen.push([method, path, status, body]));
    await call('POST', '/api/v1/namespaces/default/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'hidden' } });
    await call('GET', `${PODS}/no`);
    expect(seen).toEqual([
      ['POST', '/api/v1/namespaces/default/secrets', 201, '[redacted]'],
      ['GET', `${PODS}/no`, 404, undefined],
    ]);
  });

  test('takes recorded objects as they are', async () => {
    const { api, call } = await startApi();
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'recorded' }, spec: { containers: [] }, status: { phase: 'Running' } });
    expect((await call('GET', `${PODS}/p`)).body).toMatchObject({ metadata: { uid: 'recorded' }, status: { phase: 'Running' } });
    expect(() => api.put({ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'x' } })).toThrow('example.com/v1 Thing is not served');
  });
});
