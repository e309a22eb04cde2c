import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { sendOver } from '../../../src/server/http/send.ts';

it('the end of a streamed answer leaves by itself, after all bytes of its body', async () => {
  const writes: string[] = [];
  const socket = new Duplex({
    read: () => undefined,
    writev: (chunks, done) => {
      writes.push(chunks.map(({ chunk }) => (chunk as Buffer).toString()).join(''));
      done();
    },
  });
  const request = new IncomingMessage(new Socket());
  request.httpVersionMajor = 1;
  request.httpVersionMinor = 1;
  request.method = 'GET';
  async function* body(): AsyncGenerator<Buffer> {
    yield Buffer.from('line\n');
  }
  await sendOver(socket, request, { status: 200, body: body() });
  expect(writes.join('')).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n5\r\nline\n\r\n0\r\n\r\n$/);
  expect(writes.at(-1)).toBe('0\r\n\r\n');
});
