import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';

import type { Engine } from '../../../src/docker/index.ts';
import type { Probe } from '../../../src/pod/index.ts';
import { type ProbeOutcome, probeOnce } from '../../../src/runtime/probe-once.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const probe = (port: number, more: Probe['httpGet'] | object = {}, rest: Partial<Probe> = {}): Promise<ProbeOutcome> => {
  const container = { name: 'web', ports: [{ name: 'http', containerPort: port }] };
  const target = { engine: undefined as unknown as Engine, containerId: 'c', container, podIP: '127.0.0.1', signal: new AbortController().signal };
  return probeOnce({ httpGet: { port: 'http', ...more }, timeoutSeconds: 2, ...rest }, target);
};

/** What the server is asked with these headers. */
async function asked(headers: { name: string; value: string }[], path = '/healthz?full'): Promise<IncomingMessage> {
  let seen: IncomingMessage | undefined;
  const port = await serving((request, response) => {
    seen = request;
    response.end('ok');
  });
  expect(await probe(port, { path, httpHeaders: headers })).toEqual({ result: 'success', output: 'ok' });
  if (seen === undefined) throw new Error('not asked');
  return seen;
}

test('an HTTP probe asks as the kubelet does', async () => {
  const { method, url, headers } = await asked([]);
  expect([method, url]).toEqual(['GET', '/healthz?full']);
  expect(headers).toMatchObject({ 'user-agent': 'kube-probe/1.20', accept: '*/*', connection: 'close' });
});

test('headers of the probe replace ours and are sent as often as they stand there', async () => {
  const { rawHeaders, headers } = await asked([{ name: 'Host', value: 'shop.example' }, { name: 'User-Agent', value: 'me' }, { name: 'X-A', value: '1' }, { name: 'X-A', value: '2' }, { name: 'Accept', value: '' }]);
  expect(headers).toMatchObject({ host: 'shop.example', 'user-agent': 'me', 'x-a': '1, 2' });
  expect(headers.accept).toBeUndefined();
  expect(rawHeaders.filter((name) => name.toLowerCase() === 'user-agent')).toHaveLength(1);
});

test('dots of a path are not resolved on the way', async () => {
  expect((await asked([], '/a/../b')).url).toBe('/a/../b');
});

test.each([
  [200, 'success'],
  [204, 'success'],
  [304, 'success'],
  [399, 'success'],
  [400, 'failure'],
  [404, 'failure'],
  [500, 'failure'],
])('an answer %i is a %s', async (status, result) => {
  const outcome = await probe(await serving((_request, response) => response.writeHead(status).end()));
  expect(outcome.result).toBe(result);
  if (result === 'failure') expect(outcome.output).toBe(`HTTP probe failed with statuscode: ${status}`);
});

test('a redirect on the same host is followed, one to another host only warned of', async () => {
  const port = await serving((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end('gone');
    else if (request.url === '/') response.writeHead(302, { location: '/ready' }).end();
    else response.end('there');
  });
  expect(await probe(port, { path: '/' })).toEqual({ result: 'success', output: 'there' });
  expect(await probe(port, { path: '/away' })).toEqual({ result: 'success', output: 'gone', warning: 'Probe terminated redirects, Response body: gone' });
});

test('redirects in a circle end', async () => {
  const port = await serving((_request, response) => response.writeHead(302, { location: '/' }).end());
  expect((await probe(port)).output).toContain('stopped after 10 redirects');
});

test('no answer in time is a failure, all redirects together', async () => {
  const port = await serving((_request, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 150).unref());
  const outcome = await probe(port, {}, { timeoutSeconds: 0.4 });
  expect(outcome).toMatchObject({ result: 'failure', output: expect.stringContaining('context deadline exceeded') as string });
});

test('of a large body 10 KiB are kept', async () => {
  const outcome = await probe(await serving((_request, response) => response.end('x'.repeat(100_000))));
  expect(outcome.output).toHaveLength(10 * 1024);
});

test('a port that has no number could not be probed', async () => {
  expect(await probe(80, { port: 'nothing' })).toEqual({ result: 'unknown', output: 'the container has no port "nothing"' });
});

test('a TCP probe connects, and fails where nobody listens', async () => {
  const port = await serving(() => undefined);
  const target = { engine: undefined as unknown as Engine, containerId: 'c', container: { name: 'web' }, podIP: '127.0.0.1', signal: new AbortController().signal };
  expect(await probeOnce({ tcpSocket: { port } }, target)).toEqual({ result: 'success', output: '' });
  for (const close of closing.splice(0)) close();
  expect(await probeOnce({ tcpSocket: { port } }, target)).toMatchObject({ result: 'failure', output: expect.stringMatching(/^dial tcp 127\.0\.0\.1:\d+: /) as string });
});
