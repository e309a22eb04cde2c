import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/base/index.ts';
import { KubernetesError, pathOf, type KubernetesClient, type RequestEnd } from '../../../src/kubernetes/index.ts';
import { urlTemplate } from '../../../src/kubernetes/url-template.ts';
import { answer, refuse, ScriptedApi, until } from './scripted-api.ts';

const NODE = { apiVersion: 'v1', resource: 'nodes', name: 'a' };

async function failure(promise: Promise<unknown>): Promise<KubernetesError> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubernetesError)) throw error;
  return error;
}

describe('paths', () => {
  it.each([
    [{ apiVersion: 'v1', resource: 'pods' }, undefined, '/api/v1/pods'],
    [{ apiVersion: 'v1', resource: 'pods', namespace: 'n', name: 'p' }, 'status', '/api/v1/namespaces/n/pods/p/status'],
    [{ apiVersion: 'coordination.k8s.io/v1', resource: 'leases', namespace: 'n' }, undefined, '/apis/coordination.k8s.io/v1/namespaces/n/leases'],
    [{ apiVersion: 'v1', resource: 'nodes', name: '../x' }, undefined, '/api/v1/nodes/..%2Fx'],
  ])('%j %s is %s', (what, subresource, path) => {
    expect(pathOf(what, subresource)).toBe(path);
  });
});

describe('errors', () => {
  it.each<[number, string, ErrorCode]>([
    [400, 'BadRequest', 'invalid'],
    [401, 'Unauthorized', 'denied'],
    [403, 'Forbidden', 'denied'],
    [404, 'NotFound', 'not-found'],
    [409, 'Conflict', 'conflict'],
    [409, 'AlreadyExists', 'conflict'],
    [410, 'Expired', 'conflict'],
    [415, 'UnsupportedMediaType', 'invalid'],
    [422, 'Invalid', 'invalid'],
    [429, 'TooManyRequests', 'unavailable'],
    [500, 'InternalError', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'unavailable'],
  ])('%i %s is %s, with the message of the status', async (status, reason, code) => {
    await using api = await ScriptedApi.start((_request, response) => refuse(response, status, reason, 'because'));
    const error = await failure(api.client().get(NODE));
    expect({ code: error.code, reason: error.reason, message: error.message }).toEqual({ code, reason, message: 'because' });
  });

  it('tells how long the server asks to wait', async () => {
    await using api = await ScriptedApi.start((_request, response) => refuse(response, 429, 'TooManyRequests', 'slow down', { 'retry-after': '7' }));
    expect((await failure(api.client().get(NODE))).retryAfterMs).toBe(7000);
  });

  it.each([
    ['plain text', '404 page not found'],
    ['a page of a proxy', '<html>not here</html>'],
    ['JSON that is no Status', '{"error":"no route"}'],
  ])('does not take a 404 that is %s for the absence of the object', async (_what, body) => {
    await using api = await ScriptedApi.start((_request, response) => void response.writeHead(404).end(body));
    expect((await failure(api.client().get(NODE))).code).toBe('unavailable');
  });

  it.each(['', 'OK', '[', 'null', '7'])('calls the answer %j internal', async (body) => {
    await using api = await ScriptedApi.start((_request, response) => void response.writeHead(200).end(body));
    expect((await failure(api.client().get(NODE))).code).toBe('internal');
  });

  it.each([{}, { items: [] }, { metadata: { resourceVersion: '1' } }, { items: {}, metadata: { resourceVersion: '1' } }])('does not take %j for an empty list', async (body) => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, body));
    expect((await failure(api.client().list({ apiVersion: 'v1', resource: 'pods' }))).code).toBe('internal');
  });

  it('is unavailable when nobody listens', async () => {
    await using api = await ScriptedApi.start(() => undefined);
    const client = api.client();
    await api.away();
    const error = await failure(client.get(NODE));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describe('a request', () => {
  it('ends with timeout when no answer comes', async () => {
    await using api = await ScriptedApi.start(() => undefined);
    expect((await failure(api.client().get(NODE, { timeoutMs: 30 }))).code).toBe('timeout');
  });

  it('ends with timeout when the answer stalls in the middle', async () => {
    await using api = await ScriptedApi.start((_request, response) => void response.writeHead(200).write('{"a":'));
    expect((await failure(api.client().get(NODE, { timeoutMs: 50 }))).code).toBe('timeout');
  });

  it('ends with aborted as soon as its signal aborts, and closes its connection', async () => {
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    await using api = await ScriptedApi.start((request) => {
      request.socket.on('close', () => closed.resolve());
      arrived.resolve();
    });
    const abort = new AbortController();
    const result = expect(api.client().get(NODE, { signal: abort.signal })).rejects.toMatchObject({ code: 'aborted' });
    await arrived.promise;
    abort.abort();
    await result;
    await closed.promise;
  });

  it('is not even sent when its signal has aborted already', async () => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, {}));
    await expect(api.client().get(NODE, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(api.requests).toEqual([]);
  });

  it('ends with aborted when the client is closed, now and later', async () => {
    const arrived = Promise.withResolvers<void>();
    await using api = await ScriptedApi.start(() => arrived.resolve());
    const client = api.client();
    const result = failure(client.get(NODE));
    await arrived.promise;
    await client.close();
    expect((await result).code).toBe('aborted');
    expect((await failure(client.get(NODE))).code).toBe('aborted');
  });

  it('goes over a connection that is open already', async () => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, {}));
    const client = api.client();
    for (let i = 0; i < 10; i++) await client.get(NODE);
    // Two: one may not be counted as free in the very moment in which its answer is complete.
    expect(new Set(api.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });

  it('is sent once more when a kept connection breaks under it, but a POST is not', async () => {
    let broken = 0;
    await using api = await ScriptedApi.start((request, response) => {
      if (request.method !== 'GET' && broken++ % 2 === 0) request.socket.destroy();
      else answer(response, 200, {});
    });
    const client = api.client();
    await client.get(NODE);
    await client.patch(NODE, 'merge', {});
    await client.get(NODE);
    expect((await failure(client.create({ apiVersion: 'v1', resource: 'nodes' }, {}))).code).toBe('unavailable');
    expect(api.calls).toEqual(['GET /api/v1/nodes/a', 'PATCH /api/v1/nodes/a', 'PATCH /api/v1/nodes/a', 'GET /api/v1/nodes/a', 'POST /api/v1/nodes']);
  });

  it.each<[string, (client: KubernetesClient) => Promise<unknown>, object]>([
    ['strategic patch', (client) => client.patch(NODE, 'strategic', { a: 1 }), { method: 'PATCH', type: 'application/strategic-merge-patch+json', body: { a: 1 } }],
    ['merge patch', (client) => client.patch(NODE, 'merge', { a: null }), { method: 'PATCH', type: 'application/merge-patch+json', body: { a: null } }],
    ['JSON patch', (client) => client.patch(NODE, 'json', [{ op: 'remove', path: '/a' }]), { method: 'PATCH', type: 'application/json-patch+json', body: [{ op: 'remove', path: '/a' }] }],
    ['replacement', (client) => client.replace(NODE, { a: 1 }), { method: 'PUT', type: 'application/json', body: { a: 1 } }],
    [
      'deletion',
      (client) => client.delete(NODE, { gracePeriodSeconds: 0, uid: 'u' }),
      { method: 'DELETE', type: 'application/json', body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'u' } } },
    ],
  ])('that is a %s looks as the API wants it', async (_what, call, wanted) => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, {}));
    await call(api.client({ userAgent: 'km/test' }));
    const [request] = api.requests;
    expect({ method: request?.method, type: request?.headers['content-type'], body: request?.body }).toEqual(wanted);
    expect(request?.headers['user-agent']).toBe('km/test');
  });

  it('keeps the fields of an object that nobody knows', async () => {
    const object = { kind: 'Node', spec: { fieldOfTomorrow: { x: [1, null] } } };
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, object));
    expect(await api.client().get(NODE)).toEqual(object);
  });

  it('goes below the path of the server where it has one', async () => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, {}));
    await api.client({ access: { ...api.access(), server: `${api.url}/k8s/c1` } }).get(NODE);
    expect(api.calls).toEqual(['GET /k8s/c1/api/v1/nodes/a']);
  });

  it('waits for its turn when there are more than the burst', async () => {
    await using api = await ScriptedApi.start((_request, response) => answer(response, 200, {}));
    const client = api.client({ qps: 50, burst: 2 });
    const begin = performance.now();
    await Promise.all(Array.from({ length: 6 }, () => client.get(NODE)));
    expect(performance.now() - begin).toBeGreaterThanOrEqual(75); // 4 more, one every 20 ms
    expect(api.requests).toHaveLength(6);
  });
});

describe('what is told of requests', () => {
  it('is how each was answered, without names and values', async () => {
    const told: RequestEnd[] = [];
    await using api = await ScriptedApi.start((request, response) => {
      if (request.query.has('watch')) answer(response, 200, {});
      else if (request.method === 'PATCH') request.socket.destroy();
      else if (request.method === 'GET') answer(response, 200, {});
      else refuse(response, 409, 'Conflict');
    });
    const client = api.client({ onRequest: (request) => void told.push(request) });
    const pod = { apiVersion: 'v1', resource: 'pods', namespace: 'n', name: 'p' };
    await client.get({ ...NODE, name: 'a%' });
    await failure(client.replace(pod, {}, { subresource: 'status' }));
    await failure(client.patch(NODE, 'merge', {}));
    for await (const _chunk of await client.watch({ apiVersion: 'v1', resource: 'pods' }, { fieldSelector: 'x=y' }, { signal: new AbortController().signal, idleMs: 1000 }));
    await api.away();
    await failure(client.watch({ apiVersion: 'v1', resource: 'pods' }, {}, { signal: new AbortController().signal, idleMs: 1000 }));
    const host = new URL(api.url).host;
    const [node, pods] = [`${api.url}/api/v1/nodes/%7Bname%7D`, `${api.url}/api/v1/pods`];
    const seconds = expect.any(Number) as unknown;
    expect(told).toEqual([
      { method: 'GET', host, url: node, code: '200', seconds },
      { method: 'PUT', host, url: `${api.url}/api/v1/namespaces/%7Bnamespace%7D/pods/%7Bname%7D/status`, code: '409', seconds },
      { method: 'PATCH', host, url: node, code: '<error>', seconds },
      { method: 'PATCH', host, url: node, code: '<error>', seconds },
      { method: 'GET', host, url: `${pods}?fieldSelector=%7Bvalue%7D&watch=%7Bvalue%7D`, code: '200' },
      { method: 'GET', host, url: `${pods}?watch=%7Bvalue%7D`, code: '<error>' },
    ]);
  });

  it.each([
    ['/api/v1/nodes', {}, '/api/v1/nodes'],
    ['/api/v1/namespaces', {}, '/api/v1/namespaces'],
    ['/api/v1/namespaces/n', {}, '/api/v1/namespaces/%7Bname%7D'],
    ['/api/v1/namespaces/n/pods', { resourceVersion: undefined, limit: 500 }, '/api/v1/namespaces/%7Bnamespace%7D/pods?limit=%7Bvalue%7D'],
    ['/apis/coordination.k8s.io/v1/namespaces/n/leases/l', {}, '/apis/coordination.k8s.io/v1/namespaces/%7Bnamespace%7D/leases/%7Bname%7D'],
  ])('calls %s with %j %s', (path, query, url) => {
    expect(urlTemplate(path, query)).toBe(url);
  });
});

describe('credentials', () => {
  it('are read anew when the server refuses them, once', async () => {
    let token = 'old';
    let renewed = 0;
    await using api = await ScriptedApi.start((request, response) => {
      if (request.headers.authorization === 'Bearer new') answer(response, 200, {});
      else refuse(response, 401, 'Unauthorized');
    });
    const access = { ...api.access(), authorization: async () => `Bearer ${token}`, renew: () => void (renewed++, (token = 'new')) };
    const client = api.client({ access });
    await client.get(NODE);
    expect(renewed).toBe(1);
  });

  it('that stay refused end the request, without asking again', async () => {
    await using api = await ScriptedApi.start((_request, response) => refuse(response, 401, 'Unauthorized'));
    expect((await failure(api.client().get(NODE))).code).toBe('denied');
    expect(api.requests).toHaveLength(1);
  });
});

it('leaves no connection behind when it is closed', async () => {
  let open = 0;
  const seen = new Set<object>();
  await using api = await ScriptedApi.start((request, response) => {
    if (!seen.has(request.socket)) {
      seen.add(request.socket);
      open++;
      request.socket.on('close', () => open--);
    }
    answer(response, 200, {});
  });
  const client = api.client();
  await Promise.all(Array.from({ length: 50 }, () => client.get(NODE)));
  expect(open).toBeGreaterThan(1);
  expect(open).toBeLessThanOrEqual(16);
  await client.close();
  await until(() => open === 0, 'all connections are closed');
});
