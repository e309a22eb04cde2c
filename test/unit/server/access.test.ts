import { describe, expect, it } from 'vitest';
import { accessQuestion } from '../../../src/server/access/attributes.ts';
import { bearerToken } from '../../../src/server/access/authenticator.ts';
import { ExpiringCache } from '../../../src/server/access/expiring-cache.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { Authority, FOR_SERVERS } from './support/authority.ts';
import { TestNode, TestReviews } from './support/test-node.ts';

describe('who asks', () => {
  it('must be known: without credentials, with a wrong token or a stranger\'s certificate the answer is 401', async () => {
    const [ours, others] = await Promise.all([Authority.create(), Authority.create('another')]);
    await using node = await TestNode.start({ reviews: new TestReviews(), clientCa: ours.cert });
    const refused = { status: 401, body: 'Unauthorized' };
    expect(await node.ask('/pods')).toMatchObject(refused);
    expect(await node.ask('/pods/none')).toMatchObject(refused);
    expect(await node.ask('/pods', { token: 'wrong' })).toMatchObject(refused);
    expect(await node.ask('/pods', { headers: { authorization: 'Basic YTpi' } })).toMatchObject(refused);
    expect(await node.ask('/pods', { client: await others.client([{ CN: ['admin'] }]) })).toMatchObject(refused);
  });

  it('need not be known to hear that there is nothing, as at a kubelet', async () => {
    await using node = await TestNode.start({ reviews: new TestReviews() });
    expect(await node.ask('/no/such/path')).toMatchObject({ status: 404, body: '404 page not found\n' });
  });

  it('is the user of a client certificate, its organizations the groups', async () => {
    const authority = await Authority.create();
    const reviews = new TestReviews();
    await using node = await TestNode.start({ reviews, clientCa: authority.cert });
    const client = await authority.client([{ O: ['system:masters'] }, { O: ['ops'] }, { CN: ['kube-apiserver-kubelet-client'] }]);
    expect(await node.ask('/pods', { client })).toMatchObject({ status: 200, body: 'pods' });
    expect(reviews.asked).toEqual(['kube-apiserver-kubelet-client (system:masters ops system:authenticated) get nodes/proxy n1']);
  });

  it.each([
    ['has run out', { until: -1000 }],
    ['is for servers', { usage: FOR_SERVERS }],
  ])('is nobody with a certificate that %s', async (_what, options) => {
    const authority = await Authority.create();
    await using node = await TestNode.start({ reviews: new TestReviews(), clientCa: authority.cert });
    expect(await node.ask('/pods', { client: await authority.client([{ CN: ['admin'] }], options) })).toMatchObject({ status: 401 });
  });

  it('is nobody with a certificate that names nobody', async () => {
    const authority = await Authority.create();
    await using node = await TestNode.start({ reviews: new TestReviews(), clientCa: authority.cert });
    expect(await node.ask('/pods', { client: await authority.client([{ O: ['system:masters'] }]) })).toMatchObject({ status: 401 });
  });

  it('may have a certificate of ours that has run out and still come in with a token', async () => {
    const authority = await Authority.create();
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    await using node = await TestNode.start({ reviews, clientCa: authority.cert });
    expect(await node.ask('/pods', { token: 't', client: await authority.client([{ CN: ['admin'] }], { until: -1000 }) })).toMatchObject({ status: 200 });
    expect(reviews.asked.at(-1)).toContain('alice');
  });

  it('may be told by a browser, which can set no headers, among the subprotocols of its WebSocket', async () => {
    const reviews = new TestReviews();
    reviews.users.set('tökén', { name: 'alice', groups: [] });
    await using node = await TestNode.start({ reviews });
    const token = (text: string | Buffer): string => `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString('base64url')}`;
    const status = async (protocols: string, upgrade = 'websocket'): Promise<number> =>
      (await node.ask('/pods', { headers: { connection: 'Upgrade', upgrade, 'sec-websocket-protocol': protocols } })).status;
    expect(await status(`${token('tökén')}, base64.channel.k8s.io`)).toBe(200);
    expect(reviews.asked).toContain('alice (system:authenticated) get nodes/proxy n1');
    expect(await status(`base64.channel.k8s.io,${token('wrong')}`)).toBe(401);
    expect(await status(token('tökén'))).toBe(401);
    expect(await status(`${token('tökén')}, ${token('tökén')}, base64.channel.k8s.io`)).toBe(401);
    expect(await status(`${token('tökén')}=, base64.channel.k8s.io`)).toBe(401);
    expect(await status(`${token(Buffer.from([0xff]))}, base64.channel.k8s.io`)).toBe(401);
    expect(await status(`${token('tökén')}, base64.channel.k8s.io`, 'spdy/3.1')).toBe(401);
  });

  it('is not asked of the API again for two minutes', async () => {
    const clock = new ManualClock();
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: ['dev'] });
    await using node = await TestNode.start({ reviews, clock });
    for (const token of ['t', 't', 'bad', 'bad']) await node.ask('/pods', { token });
    expect(reviews.asked).toEqual(['token t', 'alice (dev system:authenticated) get nodes/proxy n1', 'token bad']);
    reviews.users.delete('t');
    await clock.advance(119_000);
    expect((await node.ask('/pods', { token: 't' })).status).toBe(200);
    await clock.advance(1_001);
    expect((await node.ask('/pods', { token: 't' })).status).toBe(401);
  });

  it('is asked once for requests that come together', async () => {
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    await using node = await TestNode.start({ reviews });
    const answers = await Promise.all(Array.from({ length: 20 }, () => node.ask('/pods', { token: 't' })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(reviews.asked.filter((asked) => asked === 'token t').length).toBeLessThan(20);
  });

  it('is not known while the API is away, and that is not remembered', async () => {
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    await using node = await TestNode.start({ reviews });
    reviews.failing = true;
    expect(await node.ask('/pods', { token: 't' })).toMatchObject({ status: 401, body: 'Unauthorized' });
    reviews.failing = false;
    expect((await node.ask('/pods', { token: 't' })).status).toBe(200);
  });

  it('can only have a certificate where there is no API, and may do everything then', async () => {
    const authority = await Authority.create();
    await using node = await TestNode.start({ clientCa: authority.cert });
    expect((await node.ask('/pods', { token: 't' })).status).toBe(401);
    expect((await node.ask('/pods', { client: await authority.client([{ CN: ['admin'] }]) })).status).toBe(200);
  });

  it('has no certificate that counts where no client CA is set, whoever signed it', async () => {
    const authority = await Authority.create();
    await using node = await TestNode.start({ reviews: new TestReviews() });
    expect((await node.ask('/pods', { client: await authority.client([{ CN: ['admin'] }]) })).status).toBe(401);
  });
});

describe('what a user may do', () => {
  it('is what the API says; the answer to others is 403 with the kubelet\'s words', async () => {
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    reviews.mayDo = () => false;
    await using node = await TestNode.start({ reviews });
    expect(await node.ask('/pods', { token: 't' })).toMatchObject({ status: 403, body: 'Forbidden (user=alice, verb=get, resource=nodes, subresource=proxy)' });
    expect(await node.ask('/pods/a/b/c', { token: 't', method: 'POST' })).toMatchObject({ status: 403, body: 'Forbidden (user=alice, verb=create, resource=nodes, subresource=proxy)' });
  });

  it('is remembered: yes for five minutes, no for half a minute', async () => {
    const clock = new ManualClock();
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    reviews.mayDo = () => false;
    await using node = await TestNode.start({ reviews, clock });
    const status = async (): Promise<number> => (await node.ask('/pods', { token: 't' })).status;
    expect(await status()).toBe(403);
    reviews.mayDo = () => true;
    await clock.advance(29_000);
    expect(await status()).toBe(403);
    await clock.advance(1_001);
    expect(await status()).toBe(200);
    reviews.mayDo = () => false;
    await clock.advance(299_000);
    expect(await status()).toBe(200);
    await clock.advance(1_001);
    expect(await status()).toBe(403);
  });

  it('cannot be said while the API is away', async () => {
    const authority = await Authority.create();
    const reviews = new TestReviews();
    reviews.failing = true;
    await using node = await TestNode.start({ reviews, clientCa: authority.cert });
    expect(await node.ask('/pods', { client: await authority.client([{ CN: ['admin'] }]) })).toMatchObject({
      status: 500,
      body: 'Authorization error (user=admin, verb=get, resource=nodes, subresource=proxy)',
    });
  });

  it.each([
    ['GET', '/pods', 'get', 'proxy'],
    ['POST', '/exec/a/b/c', 'create', 'proxy'],
    ['PUT', '/debug/flags/v', 'update', 'proxy'],
    ['HEAD', '/pods', '', 'proxy'],
    ['GET', '/stats/summary', 'get', 'stats'],
    ['GET', '/metrics', 'get', 'metrics'],
    ['GET', '/metrics/cadvisor', 'get', 'metrics'],
    ['GET', '/metricsx', 'get', 'proxy'],
    ['GET', '/logs/', 'get', 'log'],
    ['GET', '/logs/a/b', 'get', 'log'],
    ['GET', '/spec/', 'get', 'spec'],
    ['GET', '/containerLogs/a/b/c', 'get', 'proxy'],
    ['DELETE', '/stats', 'delete', 'stats'],
  ])('%s %s is to %s nodes/%s', (method, path, verb, subresource) => {
    expect(accessQuestion(method, path, 'n1')).toEqual({ verb, subresource, node: 'n1' });
  });

  it('is decided by the path that is served, however it is written', async () => {
    const reviews = new TestReviews();
    reviews.users.set('t', { name: 'alice', groups: [] });
    reviews.mayDo = () => false;
    await using node = await TestNode.start({ reviews });
    for (const path of ['/%70ods', '/metrics/../pods', '/metrics/%2e%2e/pods', '//pods', '/metrics/..%2fpods', '/%2fpods']) {
      const { status, body } = await node.ask(path, { token: 't' });
      expect([403, 404], path).toContain(status);
      expect(body).not.toBe('pods');
    }
  });
});

it.each([
  ['Bearer abc', 'abc'],
  ['bearer abc', 'abc'],
  [' Bearer abc ', 'abc'],
  ['Bearer abc def', 'abc'],
  ['Bearer  abc', undefined],
  ['Bearer', undefined],
  ['Basic abc', undefined],
  [undefined, undefined],
])('the token of %j is %j', (header, token) => {
  expect(bearerToken(header)).toBe(token);
});

it('the cache holds no more than it may, and drops what nobody asked for', () => {
  const cache = new ExpiringCache<number>(new ManualClock(), 3);
  for (const key of ['a', 'b', 'c']) cache.set(key, 1, 1000);
  cache.get('a');
  cache.set('d', 1, 1000);
  expect([cache.size, cache.get('a'), cache.get('b'), cache.get('c'), cache.get('d')]).toEqual([3, 1, undefined, 1, 1]);
});
