import { createServer, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { selfSigned } from '../../../../src/harness/kubernetes-api/certificate.ts';
import { rewriteLinks } from '../../../../src/harness/kubernetes-api/html-links.ts';
import type { EmbeddedApi } from '../../../../src/harness/kubernetes-api/index.ts';
import { PODS, startApi } from './client.ts';

/** What runs in the pod; its port. */
async function listen(answer: RequestListener, secure = false): Promise<{ port: number; server: Server }> {
  const identity = selfSigned(['127.0.0.1'], Date.now());
  const server = secure ? createSecureServer({ key: identity.key, cert: identity.certificate }, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

function putPod(api: EmbeddedApi, more: { ports?: number[]; podIP?: string } = {}): void {
  const { ports = [], podIP = '127.0.0.1' } = more;
  const containers = [{ name: 'plain', image: 'x' }, { name: 'web', image: 'x', ports: ports.map((containerPort) => ({ containerPort })) }];
  api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' }, spec: { nodeName: 'n1', containers }, status: podIP === '' ? {} : { podIP } });
}

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: readonly string[];
}

/** One request; `body` in as many pieces. */
function ask(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(url, { method, headers, agent: false }, (answer: IncomingMessage) => {
      text(answer).then((all) => resolve({ status: answer.statusCode, headers: answer.headers, text: all }), reject);
    });
    asked.on('error', reject);
    for (const piece of body ?? []) asked.write(piece);
    asked.end();
  });
}

const echo: RequestListener = (request, response) => {
  text(request).then((body) => response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body })), () => response.destroy());
};
const echoed = (answer: { text: string }): { method: string; url: string; headers: IncomingHttpHeaders; body: string } => JSON.parse(answer.text) as ReturnType<typeof echoed>;

describe('the way to a pod', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('is there for %s, with path, query and body as they came', async (method) => {
    const { api } = await startApi();
    const { port } = await listen(echo);
    putPod(api);
    const body = method === 'GET' ? undefined : ['x'.repeat(3_000_000), 'y'.repeat(3_000_000)];
    const headers: Record<string, string> = { authorization: `Bearer ${api.token}`, 'x-own': '1', ...(body !== undefined && { 'transfer-encoding': 'chunked' }) };
    const got = echoed(await ask(`${api.url}${PODS}/web:${port}/proxy/a%2Fb//c/?q=%20&q=2`, { method, headers, ...(body !== undefined && { body }) }));
    expect([got.method, got.url, got.body.length]).toEqual([method, '/a%2Fb//c/?q=%20&q=2', body === undefined ? 0 : 6_000_000]);
    expect(got.headers).toMatchObject({ host: `127.0.0.1:${port}`, 'x-own': '1', 'x-forwarded-uri': `${PODS}/web:${port}/proxy/a%2Fb//c/` });
    expect(got.headers.authorization).toBeUndefined();
  });

  test('is there for HEAD', async () => {
    const { api } = await startApi();
    const { port } = await listen((_request, response) => response.writeHead(200, { 'content-type': 'text/html', 'content-length': 7 }).end());
    putPod(api);
    expect(await ask(`${api.url}${PODS}/web:${port}/proxy/`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '', headers: { 'content-length': '7' } });
  });

  test('leads to the first port that a container declares, and over TLS where that is asked for', async () => {
    const { api } = await startApi();
    const { port } = await listen(echo);
    const secure = await listen(echo, true);
    putPod(api, { ports: [port, secure.port] });
    expect(echoed(await ask(`${api.url}${PODS}/web/proxy/x`)).url).toBe('/x');
    expect(echoed(await ask(`${api.url}${PODS}/http:web:/proxy/x`)).headers.host).toBe(`127.0.0.1:${port}`);
    expect(echoed(await ask(`${api.url}${PODS}/https:web:${secure.port}/proxy/x`)).headers.host).toBe(`127.0.0.1:${secure.port}`);
    expect((await ask(`${api.url}${PODS}/https:web:${port}/proxy/x`)).status).toBe(503);
  });

  test('sends what is not a directory to one, and finds redirections and links again', async () => {
    const { api } = await startApi();
    const page = '<!-- <a href="/no"> --><a class=x href="/a/?b=1"><img SRC=\'/i.png\'><a href="rel"><a href="https://else.where/x"><p title="/no">/no';
    const { port } = await listen((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/new' }).end();
      else if (request.url === '/zipped') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' }).end(gzipSync(page));
      else if (request.url === '/text') response.writeHead(200, { 'content-type': 'text/plain' }).end(page);
      else response.writeHead(200, { 'content-type': 'text/html', 'content-length': Buffer.byteLength(`é${page}`) }).end(`é${page}`);
    });
    putPod(api);
    const proxy = `${PODS}/web:${port}/proxy`;
    const rewritten = page.replace('"/a/', `"${proxy}/a/`).replace("'/i", `'${proxy}/i`);
    expect(await ask(`${api.url}${proxy}?a=1`)).toMatchObject({ status: 301, headers: { location: `${proxy}/?a=1` } });
    expect(await ask(`${api.url}${proxy}/old`)).toMatchObject({ status: 302, headers: { location: `${proxy}/new` } });
    expect((await ask(`${api.url}${proxy}/`)).text).toBe(`é${rewritten}`);
    expect((await ask(`${api.url}${proxy}/zipped`, { headers: { 'accept-encoding': 'gzip' } })).text).toBe(rewritten);
    expect((await ask(`${api.url}${proxy}/text`)).text).toBe(page);
  });

  test('takes a WebSocket', async () => {
    const { api } = await startApi();
    const { port, server } = await listen((_request, response) => response.writeHead(426).end());
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket, request) => socket.on('message', (data: Buffer) => socket.send(`${request.url} ${data.toString()}`)));
    putPod(api);
    const socket = new WebSocket(`${api.url.replace('http', 'ws')}${PODS}/web:${port}/proxy/ws?a=1`);
    const said = new Promise<string>((resolve, reject) => {
      socket.on('message', (data: Buffer) => resolve(data.toString()));
      socket.on('error', reject);
    });
    socket.on('open', () => socket.send('hello'));
    expect(await said).toBe('/ws?a=1 hello');
    socket.terminate();
  });

  test('is told of where it does not lead anywhere', async () => {
    const { api, call } = await startApi();
    const { port, server } = await listen((request) => request.socket.destroy());
    putPod(api);
    expect(await call('GET', `${PODS}/web:${port}/proxy/`)).toMatchObject({ code: 503, body: { reason: 'ServiceUnavailable', message: expect.stringContaining('error trying to reach service: ') as string } });
    server.close();
    expect(await call('POST', `${PODS}/web:${port}/proxy/`, 'x'.repeat(1_000_000))).toMatchObject({ code: 503 });
    expect(await call('GET', `${PODS}/none:${port}/proxy/`)).toMatchObject({ code: 404, body: { message: 'pods "none" not found' } });
    for (const wrong of ['web:0', 'web:x', 'ftp:web:1', ':80']) expect(await call('GET', `${PODS}/${wrong}/proxy/`), wrong).toMatchObject({ code: 400, body: { message: `invalid pod request "${wrong}"` } });
    putPod(api, { podIP: '' });
    expect(await call('GET', `${PODS}/web/proxy/`)).toMatchObject({ code: 400, body: { message: 'address not allowed' } });
  });
});

describe('the way to a service', () => {
  test('leads to its endpoints, by number or name of its ports', async () => {
    const { api, call } = await startApi();
    const { port } = await listen(echo);
    const services = '/api/v1/namespaces/default/services';
    const metadata = { name: 'web', namespace: 'default' };
    api.put({ apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port: 80, targetPort: port }, { name: 'other', port: 81 }] } });
    expect(await call('GET', `${services}/web:80/proxy/`)).toMatchObject({ code: 404, body: { message: 'endpoints "web" not found' } });
    api.put({ apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'http', port }] }] });
    for (const name of ['web:80', 'web:http', 'http:web:http']) expect(echoed(await ask(`${api.url}${services}/${name}/proxy/x?y`)), name).toMatchObject({ url: '/x?y' });
    expect(await call('GET', `${services}/web:82/proxy/`)).toMatchObject({ code: 503, body: { message: 'no service port 82 found for service "web"' } });
    for (const name of ['web', 'web:81', 'web:none']) expect(await call('GET', `${services}/${name}/proxy/`), name).toMatchObject({ code: 503, body: { message: 'no endpoints available for service "web"' } });
  });
});

test.each([
  ['<a href="/x">', '<a href="!/x">'],
  ['<form\n action = \'/x\' data-href="/y">', '<form\n action = \'!/x\' data-href="/y">'],
  ['<a title="> href=" href="/x">', '<a title="> href=" href="!/x">'],
  ['href="/x"', 'href="/x"'],
])('links of %s', (html, wanted) => {
  expect(rewriteLinks(html, (address) => `!${address}`)).toBe(wanted);
});

test('a page made to be hard to read is read all the same', () => {
  for (const piece of ['<a ', '<a "', "<a '<a \"", '<!--', '<a href=']) expect(rewriteLinks(piece.repeat(200_000), () => '').length).toBeGreaterThan(0);
});
