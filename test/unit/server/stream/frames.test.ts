import { crc32, deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DICTIONARY } from '../../../../src/server/stream/spdy/dictionary.ts';
import type { Frame } from '../../../../src/server/stream/spdy/frame.ts';
import { FrameDecoder } from '../../../../src/server/stream/spdy/frame-decoder.ts';
import { HeaderReader, HeaderWriter } from '../../../../src/server/stream/spdy/header-block.ts';
import { SpdyError } from '../../../../src/server/stream/spdy/spdy-error.ts';
import { Compressor, controlFrame, dataFrame, Decompressor, goawayFrame, numbers, pingFrame, rstFrame, settingsFrame, windowFrame } from './spdy-client.ts';

describe('header blocks', () => {
  it('are compressed with the dictionary of the protocol', () => {
    // What zlib itself writes into a stream that needs it.
    expect(deflateSync('x', { dictionary: DICTIONARY }).readUInt32BE(2).toString(16)).toBe('e3c6a7c2');
    expect([DICTIONARY.length, crc32(DICTIONARY)]).toEqual([1423, crc32(inflateSync(deflateSync(DICTIONARY)))]);
  });

  it('are read one by one off a stream that zlib wrote, also when they refer to earlier ones', async () => {
    const compressor = new Compressor();
    const reader = new HeaderReader();
    for (let i = 0; i < 2000; i += 1) {
      const headers = { streamtype: i % 2 === 0 ? 'error' : 'data', port: '8080', requestid: String(i >> 1), filler: 'x'.repeat(i % 97) };
      expect(Object.fromEntries(reader.read(await compressor.block(headers)))).toEqual(headers);
    }
  });

  it('are read whatever the headers are', async () => {
    const headers = fc.array(fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string({ unit: 'grapheme', maxLength: 200 }).filter((text) => !text.includes('\0')), { maxKeys: 8 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(headers, async (blocks) => {
        const compressor = new Compressor();
        const reader = new HeaderReader();
        for (const block of blocks) expect(Object.fromEntries(reader.read(await compressor.block(block)))).toEqual({ ...block });
      }),
      { numRuns: 50 },
    );
  });

  it('that we write are one zlib stream with the dictionary, complete after each block', async () => {
    const writer = new HeaderWriter();
    const reader = new Decompressor();
    expect(await reader.plain(writer.write(new Map()))).toEqual(numbers(0));
    const second = await reader.plain(writer.write(new Map([['Name', 'value']])));
    expect(second).toEqual(Buffer.concat([numbers(1), numbers(4), Buffer.from('name'), numbers(5), Buffer.from('value')]));
    expect(await reader.plain(writer.write(new Map()))).toEqual(numbers(0));
  });

  it.each<[string, () => Promise<Buffer> | Buffer]>([
    ['that inflate to more than they may', () => new Compressor().block({ a: 'x'.repeat(100_000) })],
    ['with another dictionary, or none', () => deflateSync(numbers(0))],
    ['that are no zlib', () => Buffer.from('GET / HTTP/1.1\r\n')],
    ['that are empty', () => Buffer.alloc(0)],
    ['that end too early', async () => (await new Compressor().block({ name: 'value' })).subarray(0, 9)],
    ['that say they have more headers than they have', () => new HeaderWriter().write(new Map()).map((byte, i, all) => (i === all.length - 6 ? 9 : byte)) as Buffer],
  ])('%s are refused', async (_what, block) => {
    const bytes = await block();
    expect(() => new HeaderReader().read(bytes)).toThrow(SpdyError);
  });
});

/** Frames with pieces of data joined, as they would be without any splitting. */
function joined(frames: readonly Frame[]): Frame[] {
  const all: Frame[] = [];
  for (const frame of frames) {
    const last = all.at(-1);
    if (frame.kind === 'data' && last?.kind === 'data' && last.id === frame.id && !last.fin) all[all.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
    else all.push(frame);
  }
  return all;
}

function decode(bytes: Buffer, pieces: readonly number[] = []): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  let at = 0;
  for (const size of [...pieces, bytes.length]) {
    frames.push(...decoder.decode(bytes.subarray(at, at + size)));
    at += size;
  }
  return frames;
}

describe('frames', () => {
  it('of every kind are read', async () => {
    const compressor = new Compressor();
    const bytes = Buffer.concat([
      await compressor.synStream(1, { streamType: 'error' }),
      await compressor.synStream(3, { streamType: 'data' }, 0x03),
      dataFrame(1, 'abc'),
      dataFrame(1, '', true),
      rstFrame(3, 8),
      settingsFrame([4, 100], [7, 1000]),
      settingsFrame([4, 100]),
      pingFrame(7),
      controlFrame(10, Buffer.from('a frame of an unknown type')),
      controlFrame(11, Buffer.alloc(0)),
      windowFrame(1, 500),
      controlFrame(8, Buffer.concat([numbers(1), await compressor.block({ more: 'headers' })]), 1),
      goawayFrame(),
    ]);
    expect(decode(bytes)).toEqual([
      { kind: 'syn-stream', id: 1, headers: new Map([['streamtype', 'error']]), fin: false, unidirectional: false },
      { kind: 'syn-stream', id: 3, headers: new Map([['streamtype', 'data']]), fin: true, unidirectional: true },
      { kind: 'data', id: 1, data: Buffer.from('abc'), fin: false },
      { kind: 'data', id: 1, data: Buffer.alloc(0), fin: true },
      { kind: 'rst-stream', id: 3, status: 8 },
      { kind: 'settings', initialWindow: 1000 },
      { kind: 'settings' },
      { kind: 'ping', id: 7 },
      { kind: 'window-update', id: 1, delta: 500 },
      { kind: 'headers', id: 1, headers: new Map([['more', 'headers']]), fin: true },
      { kind: 'goaway', lastId: 0, status: 0 },
    ]);
  });

  it('are the same wherever the bytes are split', async () => {
    const compressor = new Compressor();
    const syn = [await compressor.synStream(1, { streamType: 'error' }), await compressor.synStream(3, { streamType: 'stdin', more: 'y'.repeat(300) })];
    const some = fc.oneof(
      fc.record({ id: fc.integer({ min: 1, max: 0x7fffffff }), data: fc.uint8Array({ maxLength: 300 }), fin: fc.boolean() }).map(({ id, data, fin }) => dataFrame(id, Buffer.from(data), fin)),
      fc.nat(0xffffffff).map(pingFrame),
      fc.nat(0x7fffffff).map((delta) => windowFrame(1, delta)),
      fc.uint8Array({ maxLength: 50 }).map((payload) => controlFrame(99, Buffer.from(payload))),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }), (frames, pieces) => {
        const bytes = Buffer.concat([...syn, ...frames]);
        expect(joined(decode(bytes, pieces))).toEqual(joined(decode(bytes)));
      }),
    );
  });

  it('are decoded, or refused, whatever comes; nothing else happens', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 30 })).map(([type, payload]) => controlFrame(type, Buffer.from(payload)))), { maxLength: 20 }), (chunks) => {
        const decoder = new FrameDecoder();
        try {
          for (const chunk of chunks) for (const frame of decoder.decode(Buffer.from(chunk))) expect(frame.kind).toBeTypeOf('string');
        } catch (error) {
          expect(error).toBeInstanceOf(SpdyError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['of another version', Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])],
    ['with data of stream 0', dataFrame(0, 'x')],
    ['that are too large', Buffer.concat([Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff]), Buffer.alloc(10)])],
    ['that are too short', controlFrame(1, Buffer.alloc(9))],
    ['with settings missing', controlFrame(4, numbers(0xffffffff))],
  ])('%s are refused', (_what, bytes) => {
    expect(() => decode(bytes)).toThrow(SpdyError);
  });
});
