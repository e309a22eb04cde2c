import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandEnd } from '../../../../src/server/contract.ts';
import { NodeUnderTest } from './node-under-test.ts';

const exit = (code: number): CommandEnd => ({ kind: 'exit', code });

describe('what a client writes into the channels of a WebSocket', () => {
  it.each([['v4.channel.k8s.io', 8_000_000], ['v4.base64.channel.k8s.io', 8_000_000], ['v4.base64.channel.k8s.io', 8_000_001]])('reads messages as long as a kubelet does, without holding them (%s, %d bytes)', async (protocol, length) => {
    const sent = randomBytes(length);
    let longest = 0;
    const seen = createHash('sha256');
    await using server = await NodeUnderTest.start({
      wanted: { stdin: true },
      run: async ({ stdin }) => {
        let left = length;
        for await (const chunk of stdin as AsyncIterable<Buffer>) {
          longest = Math.max(longest, chunk.length, stdin?.readableLength ?? 0);
          seen.update(chunk);
          if ((left -= chunk.length) === 0) break;
        }
        return exit(0);
      },
    });
    const client = await server.webSocket('/exec/default/web/main', protocol);
    if (protocol.includes('base64')) client.webSocket.send(`0${sent.toString('base64')}`);
    else client.send(0, sent);
    await client.until(() => client.closed !== undefined);
    expect([client.closed, seen.digest('hex')]).toEqual([1000, createHash('sha256').update(sent).digest('hex')]);
    expect(longest).toBeLessThan(1_000_000);
  });

  it('reads base64 wherever it is cut', async () => {
    const got: Buffer[] = [];
    await using server = await NodeUnderTest.start({ wanted: { stdin: true }, run: async ({ stdin }) => (stdin?.on('data', (chunk: Buffer) => got.push(chunk)), await new Promise((resolve) => stdin?.once('close', resolve)), exit(0)) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(8), { maxLength: 8 }), fc.boolean()), { maxLength: 8 }), async (messages) => {
        got.length = 0;
        const client = await server.webSocket('/exec/default/web/main', 'base64.channel.k8s.io');
        for (const [bytes, sizes, padded] of messages) {
          const text = `0${Buffer.from(bytes).toString(padded ? 'base64' : 'base64url')}`;
          let at = 0;
          for (const size of sizes) client.webSocket.send(text.slice(at, (at += size)), { fin: false });
          client.webSocket.send(text.slice(at), { fin: true });
        }
        const wanted = Buffer.concat(messages.map(([bytes]) => bytes));
        await expect.poll(() => Buffer.concat(got).equals(wanted), { interval: 2 }).toBe(true);
        client.webSocket.terminate();
      }),
      { numRuns: 100 },
    );
  });
});
