import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ContainerRef } from '../../../src/server/index.ts';
import { TryContainers } from './try-containers.ts';

const here = new TryContainers();
const { containers } = here;
let echo: ContainerRef;
/** 7001 listens everywhere and echoes; 7003 counts what it gets until its end, and only then answers; 7004 talks first and hangs up. */
const SERVERS = [
  'nc -ll -p 7001 -e cat &',
  'nc -ll -p 7003 -e sh -c "wc -c" &',
  'nc -ll -p 7004 -e echo goodbye &',
  'sleep 100000',
].join('\n');

beforeAll(async () => {
  echo = await here.start({ command: ['sh', '-c', SERVERS] });
  await vi.waitFor(() => Promise.all([7001, 7003, 7004].map(async (port) => (await dial(port)).destroy())), { timeout: 15_000 });
});
afterAll(() => here[Symbol.asyncDispose]());

function dial(port: number, ref = echo, signal = new AbortController().signal): Promise<Duplex> {
  return containers.dial(ref.namespace, ref.pod, undefined, port, signal);
}

async function all(socket: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a connection into a pod', () => {
  it('carries bytes both ways, and the end of each way by itself', async () => {
    const socket = await dial(7003);
    socket.write('hello');
    socket.end(' world');
    expect((await all(socket)).toString()).toBe('11\n');
  });

  it('goes on being written to after the other side has said all it had to say', async () => {
    const socket = await dial(7004);
    socket.resume();
    const said: string[] = [];
    socket.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    await once(socket, 'end');
    expect(said.join('')).toBe('goodbye\n');
    socket.end('too late');
    await once(socket, 'close');
  });

  it('carries many megabytes unharmed', async () => {
    const socket = await dial(7001);
    const sent = randomBytes(30_000_000);
    socket.end(sent);
    const got = await all(socket);
    expect(createHash('sha256').update(got).digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  });

  it('is one of three hundred at a time', async () => {
    await using server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const ref = await here.start({ command: ['sleep', '100000'] }, { hostNetwork: true });
    const sockets = await Promise.all(Array.from({ length: 300 }, () => dial((server.address() as AddressInfo).port, ref)));
    const answers = await Promise.all(sockets.map((socket, i) => {
      socket.end(`number ${i}`);
      return all(socket);
    }));
    expect(answers.map(String)).toEqual(sockets.map((_, i) => `number ${i}`));
  });

  it('to a port that nobody listens on is refused, and the others go on', async () => {
    const open = await dial(7001);
    await expect(dial(7999)).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('127.0.0.1:7999: connect: connection refused') as string });
    open.end('still here');
    expect((await all(open)).toString()).toBe('still here');
  });

  const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
  it.each(['127.0.0.1', ...(hasIPv6 ? ['::1'] : [])])('reaches a server that listens on %s only; here that of the host, whose network the pod has', async (address) => {
    await using server = createServer((socket) => socket.end('the host'));
    server.listen(0, address);
    await once(server, 'listening');
    const ref = await here.start({ command: ['sleep', '100000'] }, { hostNetwork: true });
    const socket = await dial((server.address() as AddressInfo).port, ref);
    expect((await all(socket)).toString()).toBe('the host');
    socket.end();
  });

  it.each(['says nothing', 'talks on'])('whose opener is gone is closed to a server that hears of no end and %s', async (how) => {
    await using server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    const accepted = once(server.on('error', () => undefined), 'connection');
    await once(server, 'listening');
    const ref = await here.start({ command: ['sleep', '100000'] }, { hostNetwork: true });
    const socket = await dial((server.address() as AddressInfo).port, ref);
    const [peer] = (await accepted) as [Socket];
    const broken = once(peer.resume(), 'close').catch(() => undefined);
    const ended = once(peer, 'end');
    peer.on('error', () => undefined);
    const talk = setInterval(() => peer.write(Buffer.alloc(65_536)), 5);
    try {
      if (how === 'says nothing') clearInterval(talk);
      else await once(socket, 'data');
      socket.destroy();
      await ended; // all that half a close tells
      if (how === 'says nothing') await vi.waitFor(() => (peer.write('still there?'), expect(peer.destroyed).toBe(true)), { timeout: 10_000 });
      await broken;
    } finally {
      clearInterval(talk);
      peer.destroy();
    }
  });

  it('ends with its opener', async () => {
    const gone = new AbortController();
    gone.abort();
    await expect(dial(7001, echo, gone.signal)).rejects.toMatchObject({ code: 'aborted' });
  });

  it('does not come about in a pod that is not there', async () => {
    await expect(containers.dial('default', 'nobody', undefined, 80, new AbortController().signal)).rejects.toMatchObject({ code: 'not-found' });
  });
});

it('the program takes its socket and folder with it when who started it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'km-dial-test-'));
  const program = spawn('build/dial', [], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    program.stdin.write(join(folder, 'dial.sock'));
    await once(program.stdout, 'data');
    expect(readdirSync(folder)).toEqual(['dial.sock']);
    program.stdin.end();
    await once(program, 'exit');
    expect(existsSync(folder)).toBe(false);
  } finally {
    program.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
