import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { json, Refusal, text } from '../../../src/server/http/answer.ts';
import type { Route } from '../../../src/server/http/router.ts';
import { TestNode, TestReviews } from './support/test-node.ts';

const QUICK = { headersTimeout: 300, connectionsCheckingInterval: 50 };

function reviews(): TestReviews {
  const known = new TestReviews();
  known.users.set('t', { name: 'alice', groups: [] });
  return known;
}

const open = new Set<Socket>();
afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});

async function secure(node: TestNode): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port: node.server.port, rejectUnauthorized: false });
  open.add(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<string> {
  let all = '';
  socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')));
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve)); // also by a reset
  return all;
}

describe('an answer', () => {
  const routes: Route[] = [
    { methods: ['GET'], pattern: '/pods', serve: () => json({ items: [] }) },
    { methods: ['GET'], pattern: '/run', serve: () => { throw Refusal.of(404, 'pod does not exist'); } },
    { methods: ['GET'], pattern: '/exec', serve: () => { throw new Error('oops'); } },
    { methods: ['GET'], pattern: '/spec', serve: ({ query }) => text(200, String(query.get('command')?.length)) },
    { methods: ['GET'], pattern: '/logs/*', serve: ({ query }) => ({ status: 200, headers: {}, body: Readable.from([query.get('a') ?? '', 'b']) }) },
  ];

  it('is what the route says', async () => {
    await using node = await TestNode.start({ reviews: reviews(), routes });
    const ask = async (path: string): Promise<string> => {
      const { status, body, headers } = await node.ask(path, { token: 't' });
      return `${status} ${String(headers['content-type'])} ${body}`;
    };
    expect(await ask('/pods?x=1')).toBe('200 application/json {"items":[]}');
    expect(await ask('/run')).toBe('404 text/plain; charset=utf-8 pod does not exist');
    expect(await ask('/exec')).toBe('500 text/plain; charset=utf-8 oops');
    expect(await ask('/logs/x?a=%20')).toBe('200 undefined  b');
    expect(await ask('/%zz')).toContain('400 ');
  });

  it('comes to a request as long as a kubelet takes it', async () => {
    await using node = await TestNode.start({ reviews: reviews(), routes });
    const word = 'x'.repeat(1_000_000);
    expect(await node.ask(`/spec?command=${word}`, { token: 't' })).toMatchObject({ status: 200, body: '1000000' });
  });

  it('ends its stream when the client goes', async () => {
    const source = new Readable({ read: () => undefined });
    source.push('one line\n');
    const route: Route = { methods: ['GET'], pattern: '/pods', serve: () => ({ status: 200, body: source }) };
    await using node = await TestNode.start({ reviews: reviews(), routes: [route] });
    const socket = await secure(node);
    socket.write('GET /pods HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    await new Promise((resolve) => source.once('close', resolve));
    expect(source.destroyed).toBe(true);
  });

  it('keeps to the speed of its reader', async () => {
    let made = 0;
    const source = new Readable({
      read() {
        made += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const route: Route = { methods: ['GET'], pattern: '/pods', serve: () => ({ status: 200, body: source }) };
    await using node = await TestNode.start({ reviews: reviews(), routes: [route] });
    const socket = await secure(node);
    socket.pause();
    socket.write('GET /pods HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\n\r\n');
    let before = -1;
    while (made !== before || made === 0) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(made).toBeLessThan(32 * 2 ** 20);
    socket.destroy();
    await new Promise((resolve) => source.once('close', resolve));
  });
});

describe('an upgrade', () => {
  const routes: Route[] = [
    {
      methods: ['GET'],
      pattern: '/attach',
      serve: () => text(400, 'not upgraded'),
      upgrade: (_visit, { socket, head }) => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
        socket.write(head);
        socket.pipe(socket);
      },
    },
    { methods: ['GET'], pattern: '/exec', serve: () => text(400, ''), upgrade: () => { throw Refusal.of(500, 'container not found ("c")'); } },
    { methods: ['GET'], pattern: '/pods', serve: () => text(200, 'pods') },
  ];
  const asked = (path: string, token = 't'): string => `GET ${path} HTTP/1.1\r\nHost: n1\r\nConnection: Upgrade\r\nUpgrade: echo\r\nAuthorization: Bearer ${token}\r\n\r\n`;

  it('hands over the connection, with what the client has sent already', async () => {
    await using node = await TestNode.start({ reviews: reviews(), routes });
    const socket = await secure(node);
    let all = '';
    socket.on('data', (chunk: Buffer) => (all += chunk.toString()));
    socket.write(`${asked('/attach')}early `);
    while (!all.includes('early')) await once(socket, 'data');
    socket.write('late');
    while (!all.endsWith('late')) await once(socket, 'data');
    expect(all).toMatch(/^HTTP\/1.1 101 [^]*\r\n\r\nearly late$/);
  });

  it('is refused over HTTP', async () => {
    await using node = await TestNode.start({ reviews: reviews(), routes });
    for (const [request, answer] of [
      [asked('/attach', 'wrong'), /^HTTP\/1.1 401 [^]*Unauthorized$/],
      [asked('/exec'), /^HTTP\/1.1 500 [^]*container not found \("c"\)$/],
    ] as const) {
      const socket = await secure(node);
      socket.write(request);
      expect(await rest(socket)).toMatch(answer);
    }
  });

  it('that nobody can do is answered as if it had not been asked for', async () => {
    await using node = await TestNode.start({ reviews: reviews(), routes });
    const socket = await secure(node);
    socket.write(asked('/pods').replace('Connection: Upgrade', 'Connection: Upgrade, close'));
    expect(await rest(socket)).toMatch(/^HTTP\/1.1 200 [^]*pods$/);
  });
});

describe('a client that does harm', () => {
  const stillServes = async (node: TestNode): Promise<void> => {
    expect(await node.ask('/pods', { token: 't' })).toMatchObject({ status: 200, body: 'pods' });
  };

  it('and says nothing, or says it slowly, is closed', async () => {
    await using node = await TestNode.start({ reviews: reviews(), limits: QUICK });
    const silent = await secure(node);
    const slow = await secure(node);
    slow.write('GET /pods HTTP/1.1\r\n');
    const drip = setInterval(() => slow.write('X-A: b\r\n'), 50);
    await stillServes(node);
    expect(await rest(slow)).toContain('HTTP/1.1 408 ');
    clearInterval(drip);
    await rest(silent);
    await stillServes(node);
  });

  it('with a thousand connections leaves room for others', async () => {
    await using node = await TestNode.start({ reviews: reviews() });
    const idle = Array.from({ length: 1000 }, () => {
      const socket = connect(node.server.port, '127.0.0.1');
      open.add(socket);
      socket.on('error', () => undefined);
      return once(socket, 'connect');
    });
    await Promise.all(idle);
    await stillServes(node);
  });

  it('with oversized headers gets 431, and words that kubectl shows', async () => {
    await using node = await TestNode.start({ reviews: reviews() });
    const socket = await secure(node);
    socket.write(`GET /pods HTTP/1.1\r\nHost: n1\r\nX-Big: ${'x'.repeat(2 ** 20 + 1)}\r\n\r\n`);
    expect(await rest(socket)).toMatch(/^HTTP\/1.1 431 [^]*\r\n\r\n431 Request Header Fields Too Large$/);
    await stillServes(node);
  });

  describe('and makes us hold long requests', () => {
    const limits = { unadmitted: { free: 8_192, shared: 2 ** 20, parts: 400 } };
    const long = 'x'.repeat(300_000);
    const begin = async (node: TestNode): Promise<TLSSocket> => {
      const socket = await secure(node);
      await new Promise((resolve) => socket.write(`GET /pods?${long}`, resolve));
      return socket;
    };

    it('has no more than a share of them: who has held his for longest goes first', async () => {
      await using node = await TestNode.start({ reviews: reviews(), limits });
      const first = await begin(node);
      const others = await Promise.all(Array.from({ length: 3 }, () => begin(node)));
      await rest(first);
      const last = others.at(-1) as TLSSocket;
      last.write(' HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\nConnection: close\r\n\r\n');
      expect(await rest(last)).toMatch(/^HTTP\/1.1 200 /);
      expect((await node.ask(`/pods?${long}`, { token: 't' })).status).toBe(200);
    });

    it('is counted until the API has said whose they are, also where he has left', async () => {
      const known = reviews();
      const answer = Promise.withResolvers<undefined>();
      let asked = 0;
      known.token = () => (asked++, answer.promise);
      await using node = await TestNode.start({ reviews: known, limits });
      for (let i = 1; i <= 3; i += 1) {
        const socket = await begin(node);
        socket.write(` HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t${i}\r\n\r\n`);
        await expect.poll(() => asked).toBe(i);
        socket.destroy();
      }
      await rest(await begin(node));
      answer.resolve(undefined);
      await expect.poll(async () => (await node.ask(`/pods?${long}`, { token: 't' }).catch(() => undefined))?.status).toBe(401);
    });

    it('in thousands of parts is closed', async () => {
      await using node = await TestNode.start({ reviews: reviews(), limits });
      const socket = await secure(node);
      socket.write('GET /pods?');
      const drip = setInterval(() => socket.write('x'), 0);
      await rest(socket);
      clearInterval(drip);
      await stillServes(node);
    });
  });

  it('is told apart from who is known: nothing of that is counted', async () => {
    await using node = await TestNode.start({ reviews: reviews(), limits: { unadmitted: { free: 8_192, shared: 100_000, parts: 10 } } });
    const socket = await secure(node);
    let all = '';
    socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')));
    for (let i = 1; i <= 30; i += 1) {
      socket.write(`GET /pods?${'x'.repeat(90_000)} HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\n\r\n`);
      await expect.poll(() => all.match(/HTTP\/1.1 200/g)?.length).toBe(i);
    }
  });

  it('that sends random bytes, before TLS and within it, is closed', async () => {
    await using node = await TestNode.start({ reviews: reviews(), limits: QUICK });
    for (let round = 0; round < 20; round += 1) {
      const raw = connect(node.server.port, '127.0.0.1');
      open.add(raw);
      raw.on('error', () => undefined);
      const noise = crypto.getRandomValues(Buffer.alloc(500));
      raw.end(noise);
      const inside = await secure(node);
      inside.write(noise);
      await Promise.all([rest(raw), rest(inside)]);
    }
    await stillServes(node);
  });

  it('that breaks off in the middle of anything harms nobody', async () => {
    await using node = await TestNode.start({ reviews: reviews() });
    const request = 'POST /pods HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\nContent-Length: 100\r\n\r\nhalf';
    for (let length = 0; length <= request.length; length += 10) {
      const socket = await secure(node);
      socket.write(request.slice(0, length));
      socket.destroy();
    }
    await stillServes(node);
  });
});

describe('the end of the server', () => {
  it('comes soon, whoever is connected', async () => {
    const endless: Route = { methods: ['GET'], pattern: '/pods', serve: () => ({ status: 200, body: new Readable({ read: () => undefined }) }) };
    const upgrade: Route = { methods: ['GET'], pattern: '/exec', serve: () => text(400, ''), upgrade: () => undefined };
    const node = await TestNode.start({ reviews: reviews(), routes: [endless, upgrade] });
    const [idle, streaming, upgraded] = await Promise.all([secure(node), secure(node), secure(node)]);
    streaming.write('GET /pods HTTP/1.1\r\nHost: n1\r\nAuthorization: Bearer t\r\n\r\n');
    upgraded.write('GET /exec HTTP/1.1\r\nHost: n1\r\nConnection: Upgrade\r\nUpgrade: x\r\nAuthorization: Bearer t\r\n\r\n');
    await once(streaming, 'data');
    const closed = Promise.all([idle, streaming, upgraded].map(rest));
    await node.server.stop();
    await closed;
    await expect(node.ask('/pods', { token: 't' })).rejects.toThrow(/ECONNREFUSED/);
  });
});
