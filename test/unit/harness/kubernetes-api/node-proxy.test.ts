import { createServer as createPlainServer, request as httpRequest, type IncomingMessage, type Server as PlainServer, type ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { selfSigned } from '../../../../src/harness/kubernetes-api/certificate.ts';
import type { EmbeddedApi } from '../../../../src/harness/kubernetes-api/index.ts';
import { objectAt } from '../../../../src/harness/kubernetes-api/json.ts';
import { pod, PODS, startApi } from './client.ts';

/** Asks for an upgrade; resolves with the status line's code and the body, or what came after the switch. */
function upgrade(url: string, headers: Record<string, string> = {}): Promise<{ code: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { method: 'POST', headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers } });
    asked.on('error', reject);
    asked.on('upgrade', (response, socket, head) => {
      let text = head.toString();
      socket.on('data', (data: Buffer) => (text += data.toString()));
      socket.on('close', () => resolve({ code: response.statusCode, text }));
      socket.write('from the client');
    });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve({ code: response.statusCode, text }));
    });
    asked.end();
  });
}

const nodes: (Server | PlainServer)[] = [];
afterEach(() => {
  for (const node of nodes.splice(0)) {
    node.closeAllConnections();
    node.close();
  }
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Upgrade = (request: IncomingMessage, socket: Duplex) => void;

const switchProtocols = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n';

/** Says back what it was asked. */
const echo: Answer = (request, response) => response.end(`${request.method} ${request.url}`);
const echoUpgraded: Upgrade = (request, socket) => {
  socket.write(`${switchProtocols}${request.url}, `);
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => socket.end(data));
};

/** A node `n1` of the API whose own API answers so. */
async function startNode(api: EmbeddedApi, { answer = echo, upgraded = echoUpgraded }: { answer?: Answer; upgraded?: Upgrade } = {}, settings: ServerOptions = {}): Promise<void> {
  const identity = selfSigned(['127.0.0.1'], Date.now());
  const node = createServer({ ...settings, key: identity.key, cert: identity.certificate }, answer);
  nodes.push(node);
  node.on('upgrade', upgraded);
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  const { port } = node.address() as AddressInfo;
  api.put({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    status: { addresses: [{ type: 'Hostname', address: 'nowhere.invalid' }, { type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
  });
}

const web = (more = {}): object => pod('web', { spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'x' }], ...more } });

describe('what only the node can answer', () => {
  test('is asked of the node, in its own words, with a token of the API', async () => {
    const { api, call } = await startApi();
    await startNode(api, { answer: (request, response) => response.end(`${request.headers.authorization === `Bearer ${api.token}`} ${request.url}`) });
    await call('POST', PODS, web());
    expect((await call('GET', `${PODS}/web/log?tailLines=3&follow=true&pretty=true`)).body).toEqual({ text: 'true /containerLogs/default/web/main?follow=true&tailLines=3' });
    expect((await call('GET', '/api/v1/nodes/n1/proxy/stats/summary?only_cpu_and_memory=true')).body).toEqual({ text: 'true /stats/summary?only_cpu_and_memory=true' });
    expect((await call('GET', '/api/v1/nodes/n1/proxy/logs/')).body).toEqual({ text: 'true /logs/' });
    expect((await call('GET', '/api/v1/nodes/n1/proxy')).body).toEqual({ text: 'true /' });
  });

  test.each([
    ['/runningpods/?a=1', '/api/v1/nodes/n1/proxy/runningpods/?a=1'],
    ['https://127.0.0.1:PORT/pods', '/api/v1/nodes/n1/proxy/pods'],
    ['/api/v1/nodes/n1/proxy/pods', '/api/v1/nodes/n1/proxy/pods'],
    ['https://elsewhere.example/pods', 'https://elsewhere.example/pods'],
    ['pods/', 'pods/'],
  ])('is found where it sends to: %s', async (location, here) => {
    const { api } = await startApi();
    await startNode(api, { answer: (request, response) => response.writeHead(301, { location: location.replace('PORT', String(request.socket.localPort)) }).end() });
    const { status, headers } = await fetch(`${api.url}/api/v1/nodes/n1/proxy/x`, { redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([301, here]);
  });

  test.each([
    ['exec?command=ls&command=-l&stdin=true&stdout=1&stderr=false&container=main', '/exec/default/web/main?input=1&output=1&command=ls&command=-l'],
    ['attach?stdout=true&tty=true', '/attach/default/web/main?output=1&tty=1'],
    ['portforward?ports=80&ports=443', '/portForward/default/web?port=80%2C443'],
    ['portforward', '/portForward/default/web'],
  ])('goes there with an upgraded connection too: %s', async (path, asked) => {
    const { api, call } = await startApi();
    await startNode(api);
    await call('POST', PODS, web());
    expect(await upgrade(`${api.url}${PODS}/web/${path}`)).toEqual({ code: 101, text: `${asked}, from the client` });
  });

  test('may be a command as long as the real server takes; beyond, kubectl is told', async () => {
    const { api, call } = await startApi();
    await startNode(api, { upgraded: (request, socket) => socket.end(`${switchProtocols}${request.url?.length}`) }, { maxHeaderSize: 2 ** 21 });
    await call('POST', PODS, web());
    const exec = (bytes: number): ReturnType<typeof upgrade> => upgrade(`${api.url}${PODS}/web/exec?command=${'x'.repeat(bytes)}`);
    expect(await exec(1_000_000)).toEqual({ code: 101, text: String('/exec/default/web/main?command='.length + 1_000_000) });
    expect(await exec(2 ** 20)).toEqual({ code: 431, text: '431 Request Header Fields Too Large' });
  });

  test('is asked at another port of a node, without credentials', async () => {
    const { api, call } = await startApi();
    const said: Answer = (request, response) => response.end(`${request.headers.authorization === `Bearer ${api.token}`} ${request.url}`);
    await startNode(api, { answer: said });
    const other = createPlainServer(said);
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    nodes.push(other);
    const { port } = other.address() as AddressInfo;
    expect((await call('GET', `/api/v1/nodes/n1:${port}/proxy/metrics?a=1`)).body).toEqual({ text: 'false /metrics?a=1' });
    expect((await call('GET', `/api/v1/nodes/http:n1:${port}/proxy/`)).body).toEqual({ text: 'false /' });
    expect(await call('GET', `/api/v1/nodes/https:n1:${port}/proxy/`)).toMatchObject({ code: 503 });
    const own = objectAt(objectAt(objectAt((await call('GET', '/api/v1/nodes/n1')).body, 'status'), 'daemonEndpoints'), 'kubeletEndpoint')['Port'];
    expect((await call('GET', `/api/v1/nodes/n1:${own as number}/proxy/healthz`)).body).toEqual({ text: 'true /healthz' });
    expect((await call('GET', '/api/v1/nodes/https:n1:/proxy/healthz')).body).toEqual({ text: 'true /healthz' });
    for (const wrong of ['n1:0', 'n1:x', 'ftp:n1:1', ':80', 'a:b:c:d']) expect(await call('GET', `/api/v1/nodes/${wrong}/proxy/`), wrong).toMatchObject({ code: 400 });
    expect(await call('GET', '/api/v1/nodes/n2:80/proxy/')).toMatchObject({ code: 404 });
  });

  test.each([
    [[], true, 'line 1line 2'],
    [['binary.k8s.io'], true, 'line 1line 2'],
    [['base64.binary.k8s.io'], false, Buffer.from('line 1line 2').toString('base64')],
  ])('sends a log over a WebSocket (%j)', async (protocols, binary, text) => {
    const { api, call } = await startApi();
    await startNode(api, { answer: (request, response) => response.end(request.url?.startsWith('/containerLogs/default/web/main?follow=true') === true ? 'line 1line 2' : 'wrong') });
    await call('POST', PODS, web());
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}${PODS}/web/log?follow=true`, protocols);
    const got: [string, boolean][] = [];
    socket.on('message', (data: Buffer, isBinary) => got.push([data.toString(), isBinary]));
    const [code] = (await once(socket, 'close')) as [number];
    expect({ code, protocol: socket.protocol, got }).toEqual({ code: 1000, protocol: protocols[0] ?? '', got: [['', binary], [text, binary]] });
  });

  test.each([
    ['with a protocol that a log does not have', ['v4.channel.k8s.io'], 'web'],
    ["says the node's refusal", [], 'web'],
  ])('a log over a WebSocket that there is not %s', async (_what, protocols, name) => {
    const { api, call } = await startApi();
    await startNode(api, { answer: (_request, response) => response.writeHead(400).end('waiting to start') });
    await call('POST', PODS, web());
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}${PODS}/${name}/log`, protocols);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('400');
  });

  test('ends with the server', async () => {
    const { api, call } = await startApi();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    await startNode(api, {
      upgraded: (_request, socket) => {
        socket.on('error', () => undefined);
        socket.on('close', ended.resolve);
        socket.resume();
        socket.write(switchProtocols);
        begun.resolve();
      },
    });
    await call('POST', PODS, web());
    const answer = upgrade(`${api.url}${PODS}/web/attach`).catch(() => undefined);
    await begun.promise;
    await api.stop();
    await Promise.all([answer, ended.promise]);
  });

  test("says the node's refusal: of an upgrade as it came, of a log as a Status", async () => {
    const { api, call } = await startApi();
    const refusal = 'container "main" in pod "web" is waiting to start: ContainerCreating';
    await startNode(api, {
      answer: (_request, response) => response.writeHead(400).end(refusal),
      upgraded: (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nx-accepted-stream-protocol-versions: v4.channel.k8s.io\r\ncontent-length: 2\r\n\r\nno'),
    });
    await call('POST', PODS, web());
    expect(await call('GET', `${PODS}/web/log`)).toMatchObject({ code: 400, body: { kind: 'Status', reason: 'BadRequest', message: refusal } });
    expect(await upgrade(`${api.url}${PODS}/web/exec?command=ls`)).toEqual({ code: 403, text: 'no' });
  });

  test('is refused when there is no way to the node, or when it is wrong', async () => {
    const { api, call } = await startApi();
    await call('POST', PODS, pod('free'));
    expect(await upgrade(`${api.url}${PODS}/free/exec?command=ls`)).toMatchObject({ code: 400, text: expect.stringContaining('pod free does not have a host assigned') as string });
    expect((await call('GET', `${PODS}/free/log`)).code).toBe(204);
    await call('POST', PODS, web());
    expect((await upgrade(`${api.url}${PODS}/web/exec?command=ls`)).code).toBe(404);
    await startNode(api);
    for (const node of nodes.splice(0)) node.close();
    expect((await upgrade(`${api.url}${PODS}/web/exec?command=ls`)).code).toBe(500);
    expect((await call('GET', '/api/v1/nodes/n1/proxy/healthz')).code).toBe(503);
    expect((await call('GET', `${PODS}/web/exec`)).code).toBe(400);
    expect((await upgrade(`${api.url}${PODS}/no/exec`)).code).toBe(404);
    expect((await upgrade(`${api.url}${PODS}/web/exec?container=x`)).code).toBe(400);
    expect((await upgrade(`${api.url}${PODS}`)).code).toBe(400);
    expect((await upgrade(`${api.url}${PODS}/web/exec`, { authorization: 'Bearer guess' })).code).toBe(401);
  });

  test('names the containers to choose from', async () => {
    const { call } = await startApi();
    await call('POST', PODS, pod('web', { spec: { initContainers: [{ name: 'init', image: 'x' }], containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'x' }] } }));
    const { code, body } = await call('GET', `${PODS}/web/log`);
    expect([code, body.message]).toEqual([400, 'a container name must be specified for pod web, choose one of: [a b] or one of the init containers: [init]']);
  });
});

test('a name that a web page could have made its own is refused', async () => {
  const { api } = await startApi();
  expect((await upgrade(`${api.url}${PODS}`, { host: 'evil.example:80' })).code).toBe(403);
});
