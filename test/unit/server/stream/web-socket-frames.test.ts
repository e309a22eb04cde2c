import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHead, OPCODE, WebSocketError } from '../../../../src/server/stream/websocket/frame.ts';
import { FrameDecoder } from '../../../../src/server/stream/websocket/frame-decoder.ts';
import { MessageSocket } from '../../../../src/server/stream/websocket/message-socket.ts';
import { MessageStream } from '../../../../src/server/stream/websocket/message-stream.ts';

const MASK = Buffer.from([0x9a, 0x00, 0xff, 0x37]);

/** The kubelet's. */
const LARGEST = 32 * 1024 * 1024;

/** A client's frame. */
function clientFrame(opcode: number, payload: Buffer, { fin = true, mask = MASK, length = payload.length } = {}): Buffer {
  const head = encodeHead(opcode, length, Buffer.alloc(0));
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = (head[1] ?? 0) | 0x80;
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

type Seen = { message: string } | { control: number; payload: string };

/** What is read of bytes that come in pieces of these sizes, and then the rest. */
function decode(bytes: Buffer, sizes: readonly number[] = []): Seen[] {
  const seen: Seen[] = [];
  let parts: Buffer[] | undefined;
  const decoder = new FrameDecoder({
    takePiece: (piece, { isFirst, isLast }) => {
      expect(isFirst).toBe(parts === undefined);
      parts = [...(parts ?? []), Buffer.from(piece)];
      if (isLast) seen.push({ message: Buffer.concat(parts.splice(0)).toString('hex') });
      if (isLast) parts = undefined;
    },
    takeControl: (control, payload) => seen.push({ control, payload: payload.toString('hex') }),
  });
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    decoder.decode(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return seen;
}

const bytes = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

describe('frames of a client', () => {
  it('are the same messages wherever they and the bytes are split, with control frames in between', () => {
    const mask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((array) => Buffer.from(array));
    const frame = fc.record({ payload: bytes(400), mask });
    const message = fc.record({ parts: fc.array(frame, { minLength: 1, maxLength: 4 }), ping: fc.option(bytes(125)) });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(300), { maxLength: 60 }), (messages, sizes) => {
        const wire: Buffer[] = [];
        const expected: Seen[] = [];
        for (const { parts, ping } of messages) {
          parts.forEach((part, i) => {
            wire.push(clientFrame(i === 0 ? OPCODE.binary : OPCODE.continuation, part.payload, { fin: i === parts.length - 1, mask: part.mask }));
            if (i !== 0 || ping === null) return;
            wire.push(clientFrame(OPCODE.ping, ping));
          });
          const whole: Seen = { message: Buffer.concat(parts.map(({ payload }) => payload)).toString('hex') };
          const control: Seen[] = ping === null ? [] : [{ control: OPCODE.ping, payload: ping.toString('hex') }];
          expected.push(...(parts.length === 1 ? [whole, ...control] : [...control, whole]));
        }
        expect(decode(Buffer.concat(wire), sizes)).toEqual(expected);
      }),
    );
  });

  it.each([125, 126, 65_535, 65_536, LARGEST])('of %d bytes are read', (length) => {
    const payload = Buffer.alloc(length, 'k8s');
    expect(decode(clientFrame(OPCODE.text, payload)).map((seen) => 'message' in seen && seen.message === payload.toString('hex'))).toEqual([true]);
  });

  it.each<[string, Buffer, number]>([
    ['without a mask', Buffer.from([0x82, 0x01, 0x00]), 1002],
    ['of an extension', Buffer.from([0xc2, 0x80, 0, 0, 0, 0]), 1002],
    ['of an unknown kind', clientFrame(3, Buffer.alloc(0)), 1002],
    ['of an unknown control kind', clientFrame(11, Buffer.alloc(0)), 1002],
    ['that go on with nothing', clientFrame(OPCODE.continuation, Buffer.from('x')), 1002],
    ['that begin a message within another', Buffer.concat([clientFrame(OPCODE.binary, Buffer.from('x'), { fin: false }), clientFrame(OPCODE.binary, Buffer.from('y'))]), 1002],
    ['of control in parts', clientFrame(OPCODE.ping, Buffer.alloc(0), { fin: false }), 1002],
    ['of control that are large', clientFrame(OPCODE.ping, Buffer.alloc(126)), 1002],
    ['of a message that is large', clientFrame(OPCODE.binary, Buffer.alloc(0), { length: LARGEST + 1 }), 1009],
    ['of a length beyond all numbers', clientFrame(OPCODE.binary, Buffer.alloc(0), { length: 2 ** 60 }), 1009],
    ['that make a large message together', Buffer.concat([clientFrame(OPCODE.binary, Buffer.alloc(LARGEST), { fin: false }), clientFrame(OPCODE.continuation, Buffer.alloc(1))]), 1009],
  ])('%s are refused', (_what, wire, status) => {
    expect(() => decode(wire)).toThrow(expect.objectContaining({ name: 'WebSocketError', status }));
  });

  it('are decoded, or refused, whatever comes; nothing else happens', () => {
    fc.assert(
      fc.property(bytes(300), (wire) => {
        try {
          decode(wire);
        } catch (error) {
          expect(error).toBeInstanceOf(WebSocketError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a WebSocket', () => {
  const nobody = { takePiece: (): void => undefined, takePing: (): void => undefined, takeEnd: (): void => undefined };

  it('says why it ends to a client who breaks the protocol, and takes no more', async () => {
    const [socket, client] = duplexPair();
    const pieces: string[] = [];
    let ends = 0;
    new MessageSocket(socket, Buffer.alloc(0), { ...nobody, takePiece: (piece) => pieces.push(piece.toString()), takeEnd: () => (ends += 1) });
    client.write(Buffer.concat([clientFrame(OPCODE.binary, Buffer.from('good')), Buffer.from([0x82, 0x00]), clientFrame(OPCODE.binary, Buffer.from('more'))]));
    expect([await buffer(client), pieces, ends]).toEqual([Buffer.from([0x88, 2, 0x03, 0xea]), ['good'], 1]);
  });

  it('answers a goodbye after all that was sent, and is over once', async () => {
    const [socket, client] = duplexPair();
    let ends = 0;
    const messages = new MessageSocket(socket, Buffer.alloc(0), { ...nobody, takeEnd: () => (ends += 1) });
    messages.send(OPCODE.binary, Buffer.from([1]), [Buffer.from('he'), Buffer.from('llo')]);
    client.write(clientFrame(OPCODE.close, Buffer.from([0x03, 0xe8])));
    expect([await buffer(client), ends]).toEqual([Buffer.concat([Buffer.from([0x82, 6, 1]), Buffer.from('hello'), Buffer.from([0x88, 2, 0x03, 0xe8])]), 1]);
    await new Promise<void>((resolve) => messages.send(OPCODE.binary, Buffer.alloc(0), [], (error) => resolve(expect(error).toMatchObject({ code: 'aborted' }))));
  });

  it('takes what came with the request', async () => {
    const [socket, client] = duplexPair();
    const stream = new MessageStream(socket, clientFrame(OPCODE.binary, Buffer.from('early')));
    client.end(clientFrame(OPCODE.binary, Buffer.from(' late')));
    const got: string[] = [];
    await new Promise<void>((resolve) => stream.on('data', (data: Buffer) => got.push(data.toString())).on('close', resolve));
    expect(got.join('')).toBe('early late');
  });

  it('as a stream makes the client wait while nobody reads', async () => {
    const [socket, client] = duplexPair();
    const stream = new MessageStream(socket, Buffer.alloc(0));
    const message = clientFrame(OPCODE.binary, Buffer.alloc(32_000));
    let sent = 0;
    while (client.write(message) && sent < 100) {
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeLessThan(100);
    stream.resume();
    await new Promise((resolve) => client.once('drain', resolve));
    stream.destroy();
  });
});
