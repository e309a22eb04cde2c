import { duplexPair, type Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpdyConnection, type SpdyOptions } from '../../../../src/server/stream/spdy/spdy-connection.ts';
import type { SpdyStream } from '../../../../src/server/stream/spdy/spdy-stream.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { controlFrame, dataFrame, goawayFrame, numbers, pingFrame, rstFrame, settingsFrame, SpdyClient, windowFrame } from './spdy-client.ts';

interface Ends {
  readonly client: SpdyClient;
  readonly connection: SpdyConnection;
  readonly streams: SpdyStream[];
  readonly clock: ManualClock;
  readonly wire: Duplex;
  readonly serverSocket: Duplex;
  /** The client opens a stream, and has the answer. */
  readonly open: (flags?: number) => Promise<{ id: number; stream: SpdyStream }>;
}

function connect(options: Partial<SpdyOptions> = {}): Ends {
  const [wire, socket] = duplexPair({ highWaterMark: 16 * 1024 });
  const clock = new ManualClock();
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection(socket, Buffer.alloc(0), { clock, idleTimeoutMs: 60_000, maxStreams: 10, admits: () => true, onStream: (stream) => streams.push(stream), ...options });
  const client = new SpdyClient(wire);
  const open = async (flags = 0): Promise<{ id: number; stream: SpdyStream }> => {
    const opened = await client.open({ streamType: 'data' }, flags);
    await client.until(() => opened.replied || client.closed);
    const stream = streams.at(-1);
    if (stream === undefined) throw new Error('no stream');
    return { id: opened.id, stream };
  };
  return { client, connection, streams, clock, wire, serverSocket: socket, open };
}

/** All that comes; unlike an iterator it leaves the other direction alone. */
const text = (stream: Duplex): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks).toString()));
    stream.on('error', reject);
  });

const over = (connection: SpdyConnection): Promise<void> => new Promise((resolve) => (connection.signal.aborted ? resolve() : connection.signal.addEventListener('abort', () => resolve())));

describe('streams', () => {
  it('carry bytes both ways, and each side half-closes by itself', async () => {
    const { client, open } = connect();
    const { id, stream } = await open();
    client.send(id, 'ques');
    client.send(id, 'tion', true);
    expect(await text(stream)).toBe('question');
    stream.write('ans');
    stream.end('wer');
    await client.until(() => client.streams.get(id)?.finished === true);
    expect(client.textOf(id)).toBe('answer');
    expect(client.streams.get(id)?.reset).toBeUndefined();
  });

  it('carry bytes of any size, unharmed, while the other side does not read at once', async () => {
    const sent = Buffer.alloc(1_500_000, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
    const { client, open } = connect();
    const { id, stream } = await open();
    stream.end(sent);
    for (let at = 0; at < sent.length; at += 100_000) client.send(id, sent.subarray(at, at + 100_000), at + 100_000 >= sent.length);
    const got: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) got.push(chunk);
    await client.until(() => client.streams.get(id)?.finished === true);
    expect(Buffer.concat(got).equals(sent)).toBe(true);
    expect(Buffer.concat(client.streams.get(id)?.chunks ?? []).equals(sent)).toBe(true);
  });

  it('opened with the end of what is sent are at their end', async () => {
    const { open } = connect();
    const { stream } = await open(1);
    expect(await text(stream)).toBe('');
  });

  it('that the client resets break, and the others go on', async () => {
    const { client, open } = connect();
    const one = await open();
    const two = await open();
    client.socket.write(rstFrame(one.id));
    await new Promise((resolve) => one.stream.once('close', resolve));
    expect(one.stream.errored).toMatchObject({ code: 'aborted' });
    client.send(two.id, 'still', true);
    expect(await text(two.stream)).toBe('still');
    expect(client.streams.get(one.id)?.reset).toBeUndefined();
  });

  it('that we destroy are reset; what still comes for them is passed over', async () => {
    const { client, open } = connect();
    const { id, stream } = await open();
    stream.destroy();
    await client.until(() => client.streams.get(id)?.reset === 5);
    client.send(id, 'late');
    client.socket.write(pingFrame(1));
    await client.until(() => client.frames.some((frame) => frame.type === 6));
    expect(client.frames.filter((frame) => frame.type === 3)).toHaveLength(1);
  });

  it('more than allowed, or not admitted, or numbered wrongly, are refused', async () => {
    const { client } = connect({ maxStreams: 1, admits: (headers) => headers.get('streamtype') === 'data' });
    const refused = await client.open({ streamType: 'nonsense' });
    await client.until(() => refused.reset === 3);
    const first = await client.open({ streamType: 'data' });
    const second = await client.open({ streamType: 'data' });
    await client.until(() => first.replied && second.reset === 3);
    client.socket.write(Buffer.concat([await client.compressor.synStream(3, {}), await client.compressor.synStream(8, {})]));
    await client.until(() => client.frames.some((frame) => frame.type === 3 && frame.id === 8));
    expect(first.reset).toBe(1);
  });

  it('answer no data for streams that never were but with a reset', async () => {
    const { client } = connect();
    client.send(9, 'x');
    await client.until(() => client.frames.some((frame) => frame.type === 3 && frame.id === 9));
  });
});

describe('a slow reader', () => {
  it('makes the client wait, and gets all in the end', async () => {
    const { client, open, serverSocket } = connect();
    const { id, stream } = await open();
    const chunk = Buffer.alloc(16 * 1024);
    let sent = 0;
    while (client.send(id, chunk) || sent < 256 * 1024) {
      sent += chunk.length;
      await new Promise(setImmediate);
      if (sent > 5_000_000) break;
    }
    expect(sent).toBeLessThan(1_000_000);
    expect(serverSocket.isPaused()).toBe(true);
    let got = 0;
    stream.on('data', (data: Buffer) => (got += data.length));
    client.send(id, '', true);
    await new Promise((resolve) => stream.once('end', resolve));
    expect(got).toBe(sent + chunk.length);
  });

  it('of bytes that come one by one holds not many of them', async () => {
    const { client, open, serverSocket } = connect();
    const { id } = await open();
    const bytes = Buffer.concat(Array.from({ length: 1000 }, () => dataFrame(id, 'x')));
    let sent = 0;
    while (!serverSocket.isPaused() && sent < 100_000) {
      client.socket.write(bytes);
      sent += 1000;
      await new Promise(setImmediate);
    }
    expect(sent).toBeLessThan(20_000);
  });

  it('on the other side makes our writer wait', async () => {
    const { client, open, wire } = connect();
    const { stream } = await open();
    wire.pause();
    let written = 0;
    while (stream.write(Buffer.alloc(32 * 1024)) && written < 10_000_000) {
      written += 32 * 1024;
      await new Promise(setImmediate);
    }
    expect(written).toBeLessThan(500_000);
    wire.resume();
    stream.end();
    await client.until(() => client.streams.get(1)?.finished === true);
  });

  it('who is gone is noticed though we do not read: a ping is sent now and then', async () => {
    const { client, open, clock, serverSocket } = connect();
    const { id } = await open();
    for (let i = 0; i < 40; i += 1) client.send(id, Buffer.alloc(16 * 1024));
    while (!serverSocket.isPaused()) await new Promise(setImmediate);
    await clock.advance(30_000);
    await client.until(() => client.frames.some((frame) => frame.type === 6 && frame.id === 2));
  });

  it('does not make us remember the answers to its pings', async () => {
    const { client, wire, serverSocket } = connect();
    wire.pause();
    const pings = Buffer.concat(Array.from({ length: 1000 }, (_, i) => pingFrame(2 * i + 1)));
    let sent = 0;
    for (; sent < 200_000 && !serverSocket.isPaused(); sent += 1000) {
      client.socket.write(pings);
      await new Promise(setImmediate);
    }
    expect(serverSocket.isPaused()).toBe(true);
    expect(serverSocket.writableLength).toBeLessThan(300_000);
    wire.resume();
    await client.until(() => client.frames.length === sent);
  });
});

describe('flow control', () => {
  it('is left alone with a peer that does not do it', async () => {
    const { client, open } = connect();
    const { id, stream } = await open();
    stream.resume();
    stream.end(Buffer.alloc(500_000));
    for (let i = 0; i < 20; i += 1) client.send(id, Buffer.alloc(20_000));
    client.send(id, '', true);
    await client.until(() => client.streams.get(id)?.finished === true);
    await new Promise((resolve) => (stream.readableEnded ? resolve(undefined) : stream.once('end', resolve)));
    expect(client.frames.filter((frame) => frame.type === 9)).toEqual([]);
  });

  it('binds us when the peer speaks of windows, and tells it of ours', async () => {
    const { client, open } = connect();
    client.socket.write(settingsFrame([7, 1000]));
    const { id, stream } = await open();
    const size = (): number => client.textOf(id).length;
    stream.end('x'.repeat(2500));
    await client.until(() => size() === 1000);
    client.socket.write(pingFrame(1));
    await client.until(() => client.frames.some((frame) => frame.type === 6));
    expect(size()).toBe(1000);
    client.socket.write(windowFrame(id, 1200));
    await client.until(() => size() === 2200);
    client.socket.write(settingsFrame([7, 5000]));
    await client.until(() => client.streams.get(id)?.finished === true);
    expect(size()).toBe(2500);
    stream.resume();
    client.send(id, Buffer.alloc(40_000));
    await client.until(() => client.frames.filter((frame) => frame.type === 9).length === 2);
    expect(client.frames.filter((frame) => frame.type === 9).map((frame) => [frame.id, frame.payload.readUInt32BE(4)])).toEqual([[id, 40_000], [0, 40_000]]);
  });

  it('has a window of the whole connection, once the peer speaks of it', async () => {
    const { client, open } = connect();
    client.socket.write(windowFrame(0, 1000));
    const one = await open();
    const two = await open();
    one.stream.write(Buffer.alloc(60_000));
    two.stream.write(Buffer.alloc(60_000));
    const sum = (): number => client.textOf(one.id).length + client.textOf(two.id).length;
    await client.until(() => sum() === 66_536);
    client.socket.write(windowFrame(0, 100_000));
    await client.until(() => sum() === 120_000);
  });

  it('ends what overflows: a stream, or the connection', async () => {
    const { client, open } = connect();
    const { id } = await open();
    client.socket.write(windowFrame(id, 0x7fffffff));
    await client.until(() => client.streams.get(id)?.reset === 7);
    client.socket.write(windowFrame(0, 0x7fffffff));
    await client.until(() => client.goaway === 1);
  });
});

describe('a connection', () => {
  it('answers pings, and knows the answers to its own', async () => {
    const { client } = connect();
    client.socket.write(Buffer.concat([pingFrame(2), pingFrame(0xfffffff1)]));
    await client.until(() => client.frames.length === 1);
    expect(client.frames[0]?.id).toBe(0xfffffff1);
  });

  it('that we close says goodbye after all that was written, and resets what is open', async () => {
    const { client, connection, open } = connect();
    const ended = await open();
    const written = await open();
    ended.stream.end('all');
    written.stream.write('some');
    await client.until(() => client.textOf(written.id) === 'some');
    connection.close();
    await client.until(() => client.closed);
    expect([client.textOf(ended.id), client.streams.get(ended.id)?.finished, client.streams.get(ended.id)?.reset]).toEqual(['all', true, undefined]);
    expect([client.streams.get(written.id)?.reset, client.goaway]).toEqual([5, 0]);
    client.socket.end();
    await over(connection);
  });

  it('that we have closed is gone after a while though the client stays, and however much it still sends', async () => {
    const { client, connection, open, clock } = connect();
    const { id } = await open();
    connection.close();
    await client.until(() => client.closed);
    for (let i = 0; i < 50; i += 1) client.send(id, Buffer.alloc(20_000));
    expect(connection.signal.aborted).toBe(false);
    await clock.advance(10_000);
    await over(connection);
  });

  it.each<[string, (ends: Ends) => unknown]>([
    ['ends', ({ client }) => client.socket.end()],
    ['breaks', ({ client, serverSocket }) => (client.socket.destroy(), serverSocket.destroy(new Error('ECONNRESET')))],
  ])('over which the client %s breaks its streams', async (_how, act) => {
    const ends = connect();
    const { stream } = await ends.open();
    const closed = new Promise((resolve) => stream.once('close', resolve));
    act(ends);
    await over(ends.connection);
    await closed;
    expect(stream.errored).toMatchObject({ code: 'aborted' });
    await expect(new Promise((resolve, reject) => stream.write('x', (error) => (error ? reject(error) : resolve(undefined))))).rejects.toThrow();
  });

  it('goes on after the client has said that it opens no more', async () => {
    const { client, open } = connect();
    const { id, stream } = await open();
    client.socket.write(goawayFrame());
    client.send(id, 'still', true);
    expect(await text(stream)).toBe('still');
  });

  it('on which nothing comes or goes is closed', async () => {
    const { client, open, clock } = connect();
    const { id, stream } = await open();
    await clock.advance(50_000);
    client.send(id, 'x');
    await new Promise((resolve) => stream.once('data', resolve));
    await clock.advance(50_000);
    stream.write('x');
    await clock.advance(59_000);
    expect(client.goaway).toBeUndefined();
    await clock.advance(30_000);
    await client.until(() => client.goaway === 0);
  });

  it('with a peer that breaks the protocol is given up', async () => {
    const { client, connection } = connect();
    client.socket.write(controlFrame(1, Buffer.concat([numbers(1, 0), Buffer.from('no header block')])));
    await client.until(() => client.goaway === 1 && client.closed);
    client.socket.end();
    await over(connection);
  });

  it('survives whatever a client sends, and ends', async () => {
    const compressible = fc.record({ streamType: fc.constantFrom('data', 'error', 'x'), port: fc.string({ maxLength: 5 }) });
    const action = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ raw: Buffer.from(bytes) })),
      fc.tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 24 })).map(([type, payload]) => ({ raw: controlFrame(type, Buffer.from(payload)) })),
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.uint8Array({ maxLength: 2000 }), fc.boolean()).map(([id, data, fin]) => ({ raw: dataFrame(id, Buffer.from(data), fin) })),
      fc.integer({ min: 1, max: 9 }).map((id) => ({ raw: rstFrame(id) })),
      fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(0x7fffffff)).map(([id, delta]) => ({ raw: windowFrame(id, delta) })),
      fc.nat(0xffffffff).map((size) => ({ raw: settingsFrame([7, size]) })),
      compressible.map((headers) => ({ open: headers })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), fc.boolean(), async (actions, echoes) => {
        const { client, connection } = connect({ maxStreams: 3, onStream: (stream) => void (echoes ? stream.pipe(stream) : stream.resume()) });
        for (const step of actions) {
          if ('raw' in step) client.socket.write(step.raw);
          else await client.open(step.open);
        }
        client.socket.end();
        await over(connection);
      }),
      { numRuns: 300 },
    );
  });
});
