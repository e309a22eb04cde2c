import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEvent, sinceText } from '../../../src/docker/events.ts';
import { FrameReader } from '../../../src/docker/frames.ts';
import { linesOf } from '../../../src/docker/lines.ts';
import { Tail } from '../../../src/docker/tail-log.ts';

/** The same bytes in pieces of other sizes. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}
const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 });

function frame(stream: 1 | 2, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('framed output', () => {
  it('is the same however its bytes come', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom<1 | 2>(1, 2), fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(frames, sizes, (list, cuts) => {
        const got = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
        const reader = new FrameReader((payload, stream) => (got[stream] = Buffer.concat([got[stream], payload])));
        for (const piece of cut(Buffer.concat(list.map(([stream, payload]) => frame(stream, Buffer.from(payload)))), cuts)) reader.push(piece);
        const of = (wanted: number): Buffer => Buffer.concat(list.filter(([stream]) => stream === wanted).map(([, payload]) => payload));
        expect(got.stdout).toEqual(of(1));
        expect(got.stderr).toEqual(of(2));
      }),
    );
  });

  it('is passed on before its frame is complete', () => {
    const got: string[] = [];
    const reader = new FrameReader((payload) => got.push(payload.toString()));
    reader.push(frame(1, Buffer.from('hello')).subarray(0, 10));
    expect(got).toEqual(['he']);
  });
});

describe('lines of a stream', () => {
  it('are the same however its bytes come, also within a character', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text.trim() !== '' && !/[\n\ufeff]/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, async (lines, cuts) => {
        const pieces = cut(Buffer.from(lines.map((one) => `${one}\n\n`).join('')), cuts);
        expect(await all(linesOf(Readable.from(pieces)))).toEqual(lines);
      }),
    );
  });

  it('include one that never ended', async () => {
    expect(await all(linesOf(Readable.from([Buffer.from('a\nb')])))).toEqual(['a', 'b']);
  });

  it('are of limited length: what floods us is cut off', async () => {
    const flood = Readable.from((function* () { for (;;) yield Buffer.alloc(1024 * 1024, 'x'); })());
    await expect(all(linesOf(flood))).rejects.toMatchObject({ code: 'internal' });
    expect(flood.destroyed).toBe(true);
  });
});

describe('the tail of a log', () => {
  it('is the end of it, never larger than allowed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 30 })), fc.integer({ min: 1, max: 40 }), (parts, limit) => {
        const tail = new Tail(limit);
        for (const part of parts) tail.push(Buffer.from(part));
        expect(tail.text()).toBe(Buffer.from(parts.join('')).subarray(-limit).toString());
      }),
    );
  });

  it('does not begin within a character', () => {
    const tail = new Tail(4);
    tail.push(Buffer.from('aé…'));
    expect(tail.text()).toBe('…');
  });
});

describe('events', () => {
  const line = '{"status":"die","id":"c1","Type":"container","Action":"die","Actor":{"ID":"c1","Attributes":{"exitCode":"3","a":"\\"timeNano\\":1"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}';

  it('keep their time to the nanosecond, whatever their labels say', () => {
    expect(parseEvent(line)).toEqual({ action: 'die', id: 'c1', timeNano: 1_700_000_000_123_456_789n, labels: { exitCode: '3', a: '"timeNano":1' } });
  });

  it.each(['', '{', 'null', '[]', '42', '{"Action":"die"}', '{"Action":"die","Actor":{"ID":"c"}}', '{"Action":1,"Actor":{"ID":"c"},"timeNano":1}'])(
    'that are none are passed by: %s',
    (text) => {
      expect(parseEvent(text)).toBeUndefined();
    },
  );

  it('never make the parser throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseEvent(text)));
  });

  it.each([
    [1_700_000_000_123_456_789n, '1700000000.123456789'],
    [1_700_000_000_000_000_005n, '1700000000.000000005'],
  ])('resume from %s', (nano, text) => {
    expect(sinceText(nano)).toBe(text);
  });
});
