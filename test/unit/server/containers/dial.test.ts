import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/index.ts';
import type { InspectedContainer } from '../../../../src/docker/index.ts';
import { dialThrough, requestBytes } from '../../../../src/server/containers/dial-request.ts';
import { limited } from '../../../../src/server/containers/limited.ts';
import { PodDialer } from '../../../../src/server/containers/pod-dialer.ts';
import { silentLogger } from '../../../../src/telemetry/index.ts';

const never = new AbortController().signal;

/** What stands for the program: answers each request as told, byte by byte where several are given. */
class FakeProgram implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'km-fake-dial-'));
  readonly path = join(this.#directory, 'dial.sock');
  readonly #server;

  constructor(onRequest: (socket: Socket, request: Buffer) => void) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => socket.once('data', (request: Buffer) => onRequest(socket, request)));
  }

  async listen(): Promise<this> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    rmSync(this.#directory, { recursive: true });
  }
}

describe('a request for a connection', () => {
  it('names process, address and port in the order of the network', () => {
    expect(requestBytes({ pid: 0x01020304, port: 8080, ip: '172.17.0.2' })).toEqual(Buffer.from([1, 2, 3, 4, 172, 17, 0, 2, 0x1f, 0x90]));
    expect(requestBytes({ pid: 1, port: 1, ip: 'fe80::1' }).subarray(4, 8)).toEqual(Buffer.alloc(4));
    expect(requestBytes({ pid: 1, port: 1, ip: undefined }).subarray(4, 8)).toEqual(Buffer.alloc(4));
  });

  it('becomes the connection, and what follows the answer at once belongs to it', async () => {
    await using program = await new FakeProgram((socket) => {
      socket.write(Buffer.from([0]));
      setImmediate(() => socket.end(Buffer.from('\0first words')));
    }).listen();
    const socket = await dialThrough(program.path, { pid: 1, port: 80, ip: undefined }, never);
    socket.end();
    expect(await text(socket)).toBe('first words');
  });

  it.each<[string, Buffer, string, string]>([
    ['nobody listens', Buffer.from([2, 111]), 'not-found', 'dial tcp 127.0.0.1:80: connect: connection refused'],
    ['the namespace cannot be entered', Buffer.from([1, 1]), 'unavailable', 'cannot enter the network namespace of process 7: operation not permitted'],
    ['the answer breaks off', Buffer.from([0]), 'unavailable', 'the connection into the network of the pod broke'],
  ])('fails when %s', async (_what, answer, code, words) => {
    await using program = await new FakeProgram((socket) => void socket.end(answer)).listen();
    await expect(dialThrough(program.path, { pid: 7, port: 80, ip: undefined }, never)).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
  });

  it('ends when its caller is gone', async () => {
    const gone = new AbortController();
    await using program = await new FakeProgram(() => gone.abort()).listen();
    await expect(dialThrough(program.path, { pid: 7, port: 80, ip: undefined }, gone.signal)).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a pod whose network cannot be entered', () => {
  const inspected = (ips: string[]): InspectedContainer => ({ id: 'f'.repeat(64), running: true, pid: process.pid, ips, networkMode: 'default' }) as Partial<InspectedContainer> as InspectedContainer;
  const dialer = (sandbox: InspectedContainer): PodDialer => new PodDialer({ engine: { inspect: () => Promise.resolve(sandbox) }, clock: systemClock, logger: silentLogger, dialProgram: '/no/such/program' });

  it('is reached at its address', async () => {
    await using server = createServer((socket) => socket.end('the pod'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const pods = dialer(inspected(['127.0.0.1']));
    const socket = await pods.dial({ id: 'sandbox' }, (server.address() as AddressInfo).port, never);
    socket.end();
    expect(await text(socket)).toBe('the pod');
    pods.close();
  });

  it('is not reached where it has none, or does not run', async () => {
    await expect(dialer(inspected([])).dial({ id: 'sandbox' }, 80, never)).rejects.toMatchObject({ code: 'not-found', message: 'the pod has no address' });
    await expect(dialer({ ...inspected([]), running: false }).dial({ id: 'sandbox' }, 80, never)).rejects.toMatchObject({ code: 'not-found', message: 'container not running (sandbox)' });
  });
});

describe('a limited log', () => {
  async function* chunks(...all: string[]): AsyncGenerator<Buffer> {
    for (const one of all) yield Buffer.from(one);
  }
  const read = async (bytes: number, ...all: string[]): Promise<string> => {
    let got = '';
    for await (const chunk of limited(chunks(...all), bytes)) got += chunk.toString();
    return got;
  };

  it('ends at its limit, within a chunk or between two', async () => {
    expect(await read(3, 'ab', 'cd', 'ef')).toBe('abc');
    expect(await read(4, 'ab', 'cd', 'ef')).toBe('abcd');
    expect(await read(100, 'ab', 'cd')).toBe('abcd');
  });
});
