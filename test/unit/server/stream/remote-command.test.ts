import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandEnd, CommandStreams } from '../../../../src/server/contract.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { NodeUnderTest, type NodeOptions } from './node-under-test.ts';
import { controlFrame, numbers, rstFrame, type ClientStream, type SpdyClient } from './spdy-client.ts';

const ALL = { stdin: true, stdout: true, stderr: true };
const exit = (code: number): CommandEnd => ({ kind: 'exit', code });

/** `cat`. */
async function cat({ stdin, stdout }: CommandStreams): Promise<CommandEnd> {
  if (stdin !== undefined && stdout !== undefined) await pipeline(stdin, stdout);
  return exit(0);
}

async function read(stdin: Readable | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (stdin ?? []) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

type Opened = Record<'error' | 'stdin' | 'stdout' | 'stderr' | 'resize', ClientStream>;

/** Opens the streams as client-go does: error first, one after the other, each answered before the next. */
async function open(client: SpdyClient, ...types: string[]): Promise<Opened> {
  const streams: Record<string, ClientStream> = {};
  for (const streamType of ['error', ...types]) {
    const stream = await client.open({ streamType });
    await client.until(() => stream.replied || client.closed);
    streams[streamType] = stream;
  }
  return streams as Opened;
}

const statusIn = (client: SpdyClient, { error }: Opened): unknown => JSON.parse(client.textOf(error.id));

async function node(options: NodeOptions): Promise<NodeUnderTest> {
  return NodeUnderTest.start(options);
}

describe('a command over SPDY', () => {
  it('reads stdin to its end, writes stdout and stderr apart, says its exit code, and then everything ends', async () => {
    await using server = await node({
      wanted: ALL,
      run: async ({ stdin, stdout, stderr }) => {
        const text = await read(stdin);
        stdout?.write(`out ${text}`);
        stderr?.write(`err ${text}`);
        return exit(7);
      },
    });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io, v3.channel.k8s.io');
    const streams = await open(client, 'stdin', 'stdout', 'stderr');
    client.send(streams.stdin.id, 'hello');
    client.send(streams.stdin.id, '', true);
    await client.until(() => client.closed);
    expect([client.textOf(streams.stdout.id), client.textOf(streams.stderr.id)]).toEqual(['out hello', 'err hello']);
    expect([streams.stdout.finished, streams.stderr.finished, streams.error.finished, client.goaway]).toEqual([true, true, true, 0]);
    expect(statusIn(client, streams)).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: Error executing in Docker Container: 7',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    });
  });

  it('ends stdout and stderr before it says how it ended', async () => {
    await using server = await node({ wanted: { stdout: true, stderr: true }, run: async ({ stdout }) => (stdout?.write('x'.repeat(300_000)), exit(0)) });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    const streams = await open(client, 'stdout', 'stderr');
    await client.until(() => streams.error.chunks.length > 0);
    expect([streams.stdout.finished, streams.stderr.finished, client.textOf(streams.stdout.id).length]).toEqual([true, true, 300_000]);
    await client.until(() => client.closed);
    expect(statusIn(client, streams)).toEqual({ metadata: {}, status: 'Success' });
  });

  it.each([
    ['v4.channel.k8s.io', exit(0), '{"metadata":{},"status":"Success"}'],
    ['v3.channel.k8s.io', exit(0), ''],
    ['v3.channel.k8s.io', exit(3), 'command terminated with non-zero exit code: Error executing in Docker Container: 3'],
    ['v2.channel.k8s.io', { kind: 'failed', message: 'no such file' } as const, 'Internal error occurred: error executing command in container: no such file'],
    ['channel.k8s.io', exit(0), ''],
  ])('says how it ended in the way of %s', async (protocol, end, words) => {
    await using server = await node({ run: async () => end });
    const client = await server.spdy('/exec/default/web/main', protocol);
    const streams = await open(client, 'stdout');
    await client.until(() => client.closed);
    expect(client.textOf(streams.error.id)).toBe(words);
    expect(streams.error.finished).toBe(true);
  });

  it.each([
    ['/exec/default/web/main', 'error executing command in container: it broke'],
    ['/attach/default/web/main', 'error attaching to container: it broke'],
  ])('says why it could not run: %s', async (path, message) => {
    await using server = await node({ run: () => Promise.reject(new Error('it broke')) });
    const client = await server.spdy(path, 'v4.channel.k8s.io');
    const streams = await open(client, 'stdout');
    await client.until(() => client.closed);
    expect(statusIn(client, streams)).toEqual({ metadata: {}, status: 'Failure', message: `Internal error occurred: ${message}`, reason: 'InternalError', details: { causes: [{ message }] }, code: 500 });
  });

  it('gets the sizes of the terminal as they change', async () => {
    const sizes: unknown[] = [];
    await using server = await node({
      wanted: { stdin: true, stdout: true, tty: true },
      run: async ({ resize, stdout }) => {
        for await (const size of resize ?? []) {
          sizes.push(size);
          stdout?.write('.');
          if (size.width === 3) break;
        }
        return exit(0);
      },
    });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    const streams = await open(client, 'stdin', 'stdout', 'resize');
    client.send(streams.resize.id, '{"Width":1,"He');
    client.send(streams.resize.id, 'ight":10}\n');
    await client.until(() => client.textOf(streams.stdout.id) === '.');
    client.send(streams.resize.id, '{"Width":0,"Height":0}\n{"Width":"x"}{"Width":2,"Height":20}\n{"Width":3,"Height":30}\n');
    await client.until(() => client.closed);
    expect(sizes).toEqual([{ width: 1, height: 10 }, { width: 3, height: 30 }]);
  });

  it('ends though its stdin is still coming', async () => {
    await using server = await node({ wanted: { stdin: true }, run: async ({ stdin }) => (await new Promise((resolve) => stdin?.once('data', resolve)), exit(0)) });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    const streams = await open(client, 'stdin', 'stdout');
    for (let i = 0; i < 100; i += 1) client.send(streams.stdin.id, Buffer.alloc(32_768));
    await client.until(() => client.closed);
    expect(statusIn(client, streams)).toMatchObject({ status: 'Success' });
  });

  it('learns that the client is gone', async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await node({
      wanted: ALL,
      run: async ({ signal, stdin }) => {
        const broken = new Promise<void>((resolve) => stdin?.once('close', resolve));
        signal.addEventListener('abort', () => void broken.then(gone.resolve));
        await gone.promise;
        return exit(137);
      },
    });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    await open(client, 'stdin', 'stdout', 'stderr');
    client.socket.destroy();
    await gone.promise;
  });

  it('goes on when the client has reset its stdin', async () => {
    await using server = await node({ wanted: ALL, run: async ({ stdin, stdout }) => (await new Promise((resolve) => stdin?.once('close', resolve)), stdout?.write('on'), exit(0)) });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    const streams = await open(client, 'stdin', 'stdout', 'stderr');
    client.socket.write(rstFrame(streams.stdin.id));
    await client.until(() => client.closed);
    expect(client.textOf(streams.stdout.id)).toBe('on');
  });

  it('does not begin before all streams are there, and is given up when they do not come', async () => {
    let ran = false;
    const clock = new ManualClock();
    await using server = await node({ wanted: ALL, clock, run: async () => ((ran = true), exit(0)) });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    await open(client, 'stdin', 'stdout');
    await clock.advance(29_000);
    expect([ran, client.goaway]).toEqual([false, undefined]);
    await clock.advance(2000);
    await client.until(() => client.goaway === 0);
    expect(ran).toBe(false);
  });

  it('refuses a stream that is there, or that nobody knows', async () => {
    await using server = await node({ wanted: ALL, run: cat });
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    await open(client, 'stdout');
    const [again, other] = [await client.open({ streamType: 'stdout' }), await client.open({ streamType: 'data' })];
    await client.until(() => again.reset === 3 && other.reset === 3);
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['no protocol', {}, 400, 'X-Stream-Protocol-Version is required'],
    ['protocols that nobody has', { 'x-stream-protocol-version': 'v9.channel.k8s.io, x' }, 403, 'client supports [v9.channel.k8s.io x], server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]'],
    ['another upgrade', { 'x-stream-protocol-version': 'v4.channel.k8s.io', upgrade: 'h2c' }, 400, 'missing upgrade headers'],
  ])('is refused with %s', async (_what, headers, code, words) => {
    await using server = await node({ run: cat });
    const { answer, text } = await server.upgrade('/exec/default/web/main', headers);
    expect([answer.statusCode, text]).toEqual([code, expect.stringContaining(words)]);
    if (code === 403) expect(answer.headersDistinct['x-accepted-stream-protocol-versions']).toHaveLength(4);
  });

  it('carries 50 at a time, each its own bytes', async () => {
    await using server = await node({ wanted: { stdin: true }, run: cat });
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
        const streams = await open(client, 'stdin', 'stdout');
        const bytes = Buffer.alloc(100_000, `${i},`);
        client.send(streams.stdin.id, bytes, true);
        await client.until(() => client.closed);
        expect(Buffer.concat(streams.stdout.chunks).equals(bytes)).toBe(true);
        expect(statusIn(client, streams)).toMatchObject({ status: 'Success' });
      }),
    );
  });

  it('leaves others alone whatever a client sends', async () => {
    await using server = await node({ wanted: ALL, run: cat });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(fc.integer({ min: 0, max: 10 }), fc.uint8Array({ maxLength: 30 })).map(([type, payload]) => controlFrame(type, Buffer.from(payload)))), { maxLength: 6 }), async (chunks) => {
        const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
        for (const chunk of chunks) client.socket.write(chunk);
        client.socket.end();
        await client.until(() => client.closed);
      }),
      { numRuns: 100 },
    );
    const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
    const streams = await open(client, 'stdin', 'stdout', 'stderr');
    client.send(streams.stdin.id, 'fine', true);
    await client.until(() => client.closed);
    expect(client.textOf(streams.stdout.id)).toBe('fine');
  });
});

describe('a command over a WebSocket', () => {
  it('has channels for its streams, and says its exit code', async () => {
    const data = randomBytes(200_000);
    await using server = await node({
      wanted: ALL,
      run: async ({ stdin, stdout, stderr }) => {
        stdin?.pipe(stdout as Duplex, { end: false });
        await new Promise((resolve) => stdin?.once('end', resolve));
        stderr?.write('err');
        return exit(3);
      },
    });
    const client = await server.webSocket('/exec/default/web/main', 'v5.channel.k8s.io,v4.channel.k8s.io');
    expect(client.webSocket.protocol).toBe('v5.channel.k8s.io');
    for (let at = 0; at < data.length; at += 30_000) client.send(0, data.subarray(at, at + 30_000));
    client.send(255, Buffer.from([0]));
    await client.until(() => client.closed !== undefined);
    expect(client.messages[0]?.data).toEqual(Buffer.from([1]));
    expect(client.on(1).equals(data)).toBe(true);
    expect([client.on(2).toString(), client.closed]).toEqual(['err', 1000]);
    expect(JSON.parse(client.on(3).toString())).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
  });

  it.each([
    ['v4.base64.channel.k8s.io', [Buffer.from('1'), Buffer.from(`1${Buffer.from('out').toString('base64')}`), Buffer.from(`3${Buffer.from('{"metadata":{},"status":"Success"}').toString('base64')}`)], false],
    ['base64.channel.k8s.io', [Buffer.from('1'), Buffer.from(`1${Buffer.from('out').toString('base64')}`)], false],
    ['channel.k8s.io', [Buffer.from([1]), Buffer.from('\x01out')], true],
    [undefined, [Buffer.from([1]), Buffer.from('\x01out')], true],
  ])('speaks %s', async (protocol, messages, isBinary) => {
    await using server = await node({ run: async ({ stdout }) => (stdout?.write('out'), exit(0)) });
    const client = await server.webSocket('/exec/default/web/main', protocol);
    await client.until(() => client.closed !== undefined);
    expect(client.messages).toEqual(messages.map((data) => ({ data, isBinary })));
  });

  it('reads base64, and terminal sizes', async () => {
    await using server = await node({
      wanted: { stdin: true, stdout: true, tty: true },
      run: async ({ stdin, resize, stdout }) => {
        const { value } = await (resize as AsyncIterable<unknown>)[Symbol.asyncIterator]().next() as { value: unknown };
        const said = await new Promise<Buffer>((resolve) => stdin?.once('data', resolve));
        stdout?.write(`${said.toString()} ${JSON.stringify(value)}`);
        return exit(0);
      },
    });
    const client = await server.webSocket('/exec/default/web/main', 'v4.base64.channel.k8s.io');
    client.webSocket.send(`4${Buffer.from('{"Width":80,"Height":24}').toString('base64')}`);
    client.webSocket.send(`0${Buffer.from('in').toString('base64')}`);
    client.webSocket.send(`1${Buffer.from('not for us').toString('base64')}`);
    client.webSocket.send('9');
    client.webSocket.send('');
    await client.until(() => client.closed !== undefined);
    expect(Buffer.from(client.messages[1]?.data.toString().slice(1) ?? '', 'base64').toString()).toBe('in {"width":80,"height":24}');
  });

  it('is refused with a protocol that nobody has, and with a handshake that is none', async () => {
    await using server = await node({ run: cat });
    await expect(server.webSocket('/exec/default/web/main', 'v9.channel.k8s.io')).rejects.toThrow('403');
    expect((await server.upgrade('/exec/default/web/main', { upgrade: 'websocket' })).answer.statusCode).toBeGreaterThanOrEqual(400);
  });

  it('learns that the client is gone', async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await node({ wanted: ALL, run: async ({ signal }) => (signal.addEventListener('abort', () => gone.resolve()), await gone.promise, exit(137)) });
    const client = await server.webSocket('/exec/default/web/main', 'v4.channel.k8s.io');
    await client.until(() => client.messages.length > 0);
    client.webSocket.terminate();
    await gone.promise;
  });

  it('makes a client wait whose input nobody reads', async () => {
    const ready = Promise.withResolvers<void>();
    await using server = await node({ wanted: { stdin: true }, run: async ({ stdin }) => (await ready.promise, stdin?.resume(), exit(0)) });
    const client = await server.webSocket('/exec/default/web/main', 'v4.channel.k8s.io');
    // More than what the kernel holds on both sides.
    const chunk = Buffer.alloc(1_000_000);
    for (let i = 0; i < 30; i += 1) client.send(0, chunk);
    await new Promise(setImmediate);
    expect(client.webSocket.bufferedAmount).toBeGreaterThan(10_000_000);
    ready.resolve();
    await client.until(() => client.closed !== undefined);
  });

  it('is closed with a message that is too big, and leaves others alone', async () => {
    await using server = await node({ wanted: { stdin: true }, run: async ({ stdin, signal }) => (stdin?.resume(), await new Promise((resolve) => signal.addEventListener('abort', resolve)), exit(0)) });
    const [client, other] = [await server.webSocket('/exec/default/web/main', 'v5.channel.k8s.io'), await server.webSocket('/exec/default/web/main', 'v5.channel.k8s.io')];
    const closed = once(client.webSocket, 'close');
    client.send(0, Buffer.alloc(33_600_000));
    expect((await closed)[0]).toBe(1009);
    other.webSocket.ping();
    await once(other.webSocket, 'pong');
    other.webSocket.terminate();
  });

  it('survives whatever a client sends', async () => {
    await using server = await node({ wanted: { ...ALL, tty: true }, run: async ({ stdin }) => (stdin?.resume(), await new Promise((resolve) => stdin?.once('close', resolve)), exit(0)) });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('v5.channel.k8s.io', 'v4.base64.channel.k8s.io'), fc.array(fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.boolean()), { maxLength: 20 }), fc.uint8Array({ maxLength: 50 }), async (protocol, messages, garbage) => {
        const client = await server.webSocket('/exec/default/web/main', protocol);
        for (const [bytes, binary] of messages) client.webSocket.send(Buffer.from(bytes), { binary });
        (client.webSocket as unknown as { _socket: Duplex })._socket.end(garbage);
        await client.until(() => client.closed !== undefined);
      }),
      { numRuns: 100 },
    );
  });

  it('is closed when nothing comes or goes', async () => {
    const clock = new ManualClock();
    await using server = await node({ clock, idleTimeoutMs: 60_000, run: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(exit(1)))) });
    const client = await server.webSocket('/exec/default/web/main', 'v4.channel.k8s.io');
    await client.until(() => client.messages.length > 0);
    await clock.advance(59_000);
    expect(client.closed).toBeUndefined();
    await clock.advance(2000);
    await client.until(() => client.closed === 1000);
  });

  it('stays however long nothing comes or goes, where there is no limit', async () => {
    const clock = new ManualClock();
    await using server = await node({ clock, idleTimeoutMs: 0, run: cat });
    const client = await server.webSocket('/exec/default/web/main', 'v4.channel.k8s.io');
    await client.until(() => client.messages.length > 0);
    await clock.advance(5 * 3_600_000);
    expect(client.closed).toBeUndefined();
  });
});

it('a settings frame that changes nothing changes nothing', async () => {
  await using server = await node({ wanted: { stdin: true }, run: cat });
  const client = await server.spdy('/exec/default/web/main', 'v4.channel.k8s.io');
  client.socket.write(controlFrame(4, numbers(1, 4, 100)));
  const streams = await open(client, 'stdin', 'stdout');
  client.send(streams.stdin.id, 'x', true);
  await client.until(() => client.closed);
  expect(client.textOf(streams.stdout.id)).toBe('x');
});
