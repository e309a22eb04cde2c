import { once } from 'node:events';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';

import { grpcCheck } from '../../../src/runtime/grpc-check.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A gRPC server in so far as a probe can tell: `answer` has the whole request. */
async function serving(answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer) => void): Promise<{ host: string; port: number }> {
  const server: Http2Server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, headers, Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function healthy(status: number): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const message = status === 0 ? Buffer.alloc(0) : Buffer.from([0x08, status]);
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  };
}

const check = (address: { host: string; port: number }, service = '', timeoutMs = 2000) => grpcCheck(address, service, timeoutMs, new AbortController().signal);

test('a server that serves is healthy', async () => {
  expect(await check(await serving(healthy(1)))).toBeUndefined();
});

test('the call is the one of the health protocol and names its service', async () => {
  let seen: [IncomingHttpHeaders, Buffer] | undefined;
  const address = await serving((stream, headers, body) => {
    seen = [headers, body];
    healthy(1)(stream);
  });
  expect(await check(address, 'shop.Basket')).toBeUndefined();
  expect(seen?.[0]).toMatchObject({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers' });
  expect(seen?.[1]).toEqual(Buffer.concat([Buffer.from([0, 0, 0, 0, 13, 0x0a, 11]), Buffer.from('shop.Basket')]));
});

test.each([
  [0, 'service unhealthy (responded with "UNKNOWN")'],
  [2, 'service unhealthy (responded with "NOT_SERVING")'],
  [3, 'service unhealthy (responded with "SERVICE_UNKNOWN")'],
  [9, 'service unhealthy (responded with "9")'],
])('status %i fails', async (status, expected) => {
  expect(await check(await serving(healthy(status)))).toBe(expected);
});

test('a server without the health protocol fails, with its words', async () => {
  const address = await serving((stream) => stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'unknown service%3A x' }, { endStream: true }));
  expect(await check(address)).toBe('error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service: x');
});

test('another error of the call fails', async () => {
  const address = await serving((stream) => stream.respond({ ':status': 200, 'grpc-status': '5', 'grpc-message': 'unknown service' }, { endStream: true }));
  expect(await check(address)).toBe('error: health rpc probe failed: rpc error: code = 5 desc = unknown service');
});

test('a server that speaks HTTP/2 and not gRPC fails', async () => {
  expect(await check(await serving((stream) => stream.respond({ ':status': 503 }, { endStream: true })))).toContain('unexpected HTTP status code received from server: 503');
});

test('an answer that is no message fails and does not throw', async () => {
  const address = await serving((stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]));
  });
  expect(await check(address)).toContain('service unhealthy');
});

test('an endless answer is not read to its end', async () => {
  const address = await serving((stream) => {
    stream.respond({ ':status': 200 });
    const more = (): void => {
      while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
    };
    stream.on('drain', more);
    more();
  });
  expect(await check(address)).toBeDefined();
});

test('nobody there fails at once', async () => {
  const address = await serving(healthy(1));
  for (const close of closing.splice(0)) close();
  expect(await check(address)).toMatch(/^error: failed to connect service at "127\.0\.0\.1:\d+": /);
});

test('a server that takes the connection and says nothing runs into the timeout', async () => {
  const server = createTcpServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  expect(await check(address, '', 100)).toBe(`timeout: failed to connect service "127.0.0.1:${address.port}" within 0.1s: context deadline exceeded`);
});

test('a call without an answer runs into the timeout', async () => {
  expect(await check(await serving(() => undefined), '', 100)).toBe('timeout: health rpc did not complete within 0.1s');
});

test('a server that ends the connection in the middle fails', async () => {
  expect(await check(await serving((stream) => stream.session?.destroy()))).toBeDefined();
});
