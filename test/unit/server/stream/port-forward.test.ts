import { createServer as createTcpServer, connect as connectTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../support/manual-clock.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { rstFrame, SpdyClient, type ClientStream } from './spdy-client.ts';

const listening: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of listening.splice(0)) server.close();
});

/** Something that listens in the pod, and its port. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function dial(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

const closedPort = async (): Promise<number> => {
  const port = await listen(() => undefined);
  await new Promise((resolve) => listening.pop()?.close(resolve));
  return port;
};

const upper = (socket: Socket): unknown => socket.on('data', (data: Buffer) => socket.write(data.toString().toUpperCase())).on('end', () => socket.end('bye'));

const PATH = '/portForward/default/web/1234';
const PROTOCOL = 'portforward.k8s.io';

let requests = 0;

/** Opens a pair of streams as client-go does. */
async function forward(client: SpdyClient, port: number | string, more: Record<string, string> = { requestID: String((requests += 1)) }): Promise<{ data: ClientStream; error: ClientStream }> {
  const error = await client.open({ streamType: 'error', port: String(port), ...more });
  await client.until(() => error.replied || error.reset !== undefined);
  client.send(error.id, '', true);
  const data = await client.open({ streamType: 'data', port: String(port), ...more });
  await client.until(() => data.replied || data.reset !== undefined);
  return { data, error };
}

describe('port-forward over SPDY', () => {
  it('carries bytes both ways, and the half close of the client', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const { data, error } = await forward(client, await listen(upper));
    client.send(data.id, 'abc');
    await client.until(() => client.textOf(data.id) === 'ABC');
    client.send(data.id, 'def', true);
    await client.until(() => data.finished && error.finished);
    expect([client.textOf(data.id), client.textOf(error.id), data.reset, client.closed]).toEqual(['ABCDEFbye', '', undefined, false]);
  });

  it('says that the pod has said all, also on the error stream, while the client may go on', async () => {
    const got = Promise.withResolvers<string>();
    const port = await listen((socket) => {
      let text = '';
      socket.end('hello');
      socket.on('data', (data: Buffer) => (text += data.toString())).on('end', () => got.resolve(text));
    });
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const { data, error } = await forward(client, port);
    await client.until(() => data.finished && error.finished);
    client.send(data.id, 'thanks', true);
    expect(await got.promise).toBe('thanks');
  });

  it('says why there is no connection, and the tunnel survives', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const port = await closedPort();
    const refused = await forward(client, port);
    await client.until(() => refused.error.finished && refused.data.finished);
    expect(client.textOf(refused.error.id)).toBe(`error forwarding port ${port} to pod web_default, uid 1234: connect ECONNREFUSED 127.0.0.1:${port}`);
    const { data } = await forward(client, await listen(upper));
    client.send(data.id, 'x', true);
    await client.until(() => data.finished);
    expect(client.textOf(data.id)).toBe('Xbye');
  });

  it('carries many connections at once, in order each', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const port = await listen((socket) => socket.pipe(socket));
    const pairs: { data: ClientStream; error: ClientStream }[] = [];
    for (let i = 0; i < 200; i += 1) pairs.push(await forward(client, port));
    for (let round = 0; round < 20; round += 1) for (const { data } of pairs) client.send(data.id, `${data.id}:${round},`.padEnd(1000, '.'), round === 19);
    await client.until(() => pairs.every(({ data, error }) => data.finished && error.finished));
    for (const { data } of pairs) expect(client.textOf(data.id)).toBe(Array.from({ length: 20 }, (_, round) => `${data.id}:${round},`.padEnd(1000, '.')).join(''));
  });

  it('goes on with the others while one does not read, or is reset', async () => {
    const broken = Promise.withResolvers<void>();
    const stuck = await listen((socket) => void socket.pause());
    const lost = await listen((socket) => void socket.on('end', () => broken.resolve()).resume());
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const one = await forward(client, stuck);
    client.send(one.data.id, Buffer.alloc(100_000));
    const two = await forward(client, lost);
    client.socket.write(rstFrame(two.data.id));
    await broken.promise;
    await client.until(() => two.error.finished);
    expect(client.textOf(two.error.id)).toBe('');
    const { data } = await forward(client, await listen(upper));
    client.send(data.id, 'x', true);
    await client.until(() => data.finished);
  });

  it('resets a connection that the pod breaks, without a word that would end the tunnel', async () => {
    const port = await listen((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const { data, error } = await forward(client, port);
    client.send(data.id, 'x');
    await client.until(() => data.reset !== undefined && error.finished);
    expect([client.textOf(error.id), client.closed]).toEqual(['', false]);
  });

  it('ends the connections into the pod when the client is gone', async () => {
    const ended = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const port = await listen((socket) => void socket.on('end', () => ended.resolve()).resume());
    await using server = await NodeUnderTest.start({ dial: (asked, signal) => (signal.addEventListener('abort', () => aborted.resolve()), dial(asked)) });
    const client = await server.spdy(PATH, PROTOCOL);
    await forward(client, port);
    client.socket.destroy();
    await Promise.all([ended.promise, aborted.promise]);
  });

  it('pairs the streams of clients that name no request', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const { data } = await forward(client, await listen(upper), {});
    client.send(data.id, 'x', true);
    await client.until(() => data.finished);
    expect(client.textOf(data.id)).toBe('Xbye');
  });

  it('gives up a stream whose other half does not come', async () => {
    const clock = new ManualClock();
    await using server = await NodeUnderTest.start({ dial, clock });
    const client = await server.spdy(PATH, PROTOCOL);
    const error = await client.open({ streamType: 'error', port: '80', requestID: 'e' });
    const data = await client.open({ streamType: 'data', port: '80', requestID: 'd' });
    await client.until(() => data.replied && error.replied);
    await clock.advance(31_000);
    await client.until(() => data.reset === 5 && error.finished);
    expect(client.textOf(error.id)).toBe('(request=e) timed out waiting for streams');
  });

  it.each([
    ['without a port', {}],
    ['with a port that is none', { port: '65536' }],
    ['with port 0', { port: '0' }],
    ['with a port in words', { port: 'http' }],
    ['of another type', { port: '80', streamType: 'stdin' }],
  ])('refuses streams %s', async (_what, headers) => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    const stream = await client.open({ streamType: 'data', requestID: '1', ...headers });
    await client.until(() => stream.reset === 3);
  });

  it('refuses a second stream of the same half', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.spdy(PATH, PROTOCOL);
    await client.open({ streamType: 'error', port: '80', requestID: '1' });
    const again = await client.open({ streamType: 'error', port: '80', requestID: '1' });
    await client.until(() => again.reset === 3);
  });
});

describe('port-forward over a WebSocket', () => {
  it('has a pair of channels for each port, each named first', async () => {
    const [one, two] = [await listen(upper), await closedPort()];
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.webSocket(`/portForward/default/web?port=${one}&port=${two}`, 'v4.channel.k8s.io');
    client.send(0, 'abc');
    const port = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
    await client.until(() => client.on(0).length === 5 && client.on(3).length > 2);
    expect([client.on(0), client.on(1), client.on(2)]).toEqual([Buffer.concat([port(one), Buffer.from('ABC')]), port(one), port(two)]);
    expect(client.on(3).subarray(2).toString()).toBe(`error forwarding port ${two} to pod web_default, uid : connect ECONNREFUSED 127.0.0.1:${two}`);
    expect(client.closed).toBeUndefined();
  });

  it('ends when the pods have said all', async () => {
    const [one, two] = [await listen((socket) => socket.end('1')), await listen((socket) => socket.end('2'))];
    await using server = await NodeUnderTest.start({ dial });
    const client = await server.webSocket(`/portForward/default/web?port=${one},${two}`, 'v4.base64.channel.k8s.io');
    await client.until(() => client.closed !== undefined);
    expect(client.messages.map(({ data }) => data.toString())).toEqual(expect.arrayContaining([`0${Buffer.from('1').toString('base64')}`, `2${Buffer.from('2').toString('base64')}`]));
    expect(client.closed).toBe(1000);
  });

  it('carries SPDY, as kubectl from 1.31 on asks for', async () => {
    await using server = await NodeUnderTest.start({ dial });
    const { protocol, stream } = await server.tunnel(PATH, 'SPDY/3.1+portforward.k8s.io');
    expect(protocol).toBe('SPDY/3.1+portforward.k8s.io');
    const client = new SpdyClient(stream);
    const { data } = await forward(client, await listen(upper));
    client.send(data.id, 'x', true);
    await client.until(() => data.finished);
    expect(client.textOf(data.id)).toBe('Xbye');
    client.socket.end();
    await client.until(() => client.closed);
  });

  it.each([
    ['', 'query parameter "port" is required'],
    ['?port=', 'query parameter "port" cannot be empty'],
    ['?port=80,x', 'unable to parse "x" as a port'],
    ['?port=0', 'unable to parse "0" as a port'],
  ])('is refused with the query %j', async (query, words) => {
    await using server = await NodeUnderTest.start({ dial });
    const { answer, text } = await server.upgrade(`/portForward/default/web${query}`, { upgrade: 'websocket', 'sec-websocket-protocol': 'v4.channel.k8s.io' });
    expect([answer.statusCode, text.trim()]).toEqual([400, words]);
  });
});
