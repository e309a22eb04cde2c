import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord, RecordDecoder } from '../../../src/mesos/index.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** The bytes in pieces that end where `cuts` says. */
function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

function decode(decoder: RecordDecoder, chunks: readonly Uint8Array[]): Uint8Array[] {
  return chunks.flatMap((chunk) => [...decoder.push(chunk)].map((record) => Uint8Array.from(record)));
}

const records = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
const cuts = fc.array(fc.nat(), { maxLength: 40 });

describe('RecordIO', () => {
  it('gives the same records however the stream is split', () => {
    fc.assert(
      fc.property(records, cuts, (each, where) => {
        const decoder = new RecordDecoder();
        const got = decode(decoder, split(Buffer.concat(each.map(encodeRecord)), where));
        expect(got.map(text)).toEqual(each.map(text));
        expect(decoder.atBoundary).toBe(true);
        decoder.end();
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives the whole records of a stream that is cut off, and says so at its end', () => {
    fc.assert(
      fc.property(records, cuts, fc.nat(), (each, where, at) => {
        const whole = Buffer.concat(each.map(encodeRecord));
        const length = at % (whole.length + 1);
        const decoder = new RecordDecoder();
        const got = decode(decoder, split(whole.subarray(0, length), where));
        let end = 0;
        const complete = each.filter((record) => (end += encodeRecord(record).length) <= length);
        expect(got.map(text)).toEqual(complete.map(text));
        const boundary = Buffer.concat(complete.map(encodeRecord)).length === length;
        expect(decoder.atBoundary).toBe(boundary);
        if (!boundary) expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes garbage for records or throws `invalid`, after the records before it, and then throws again', () => {
    fc.assert(
      fc.property(records, fc.uint8Array({ minLength: 1, maxLength: 100 }), cuts, (each, garbage, where) => {
        const decoder = new RecordDecoder({ limitBytes: 1_000 });
        const got: string[] = [];
        try {
          for (const chunk of split(Buffer.concat([...each.map(encodeRecord), garbage]), where)) for (const record of decoder.push(chunk)) got.push(text(record));
        } catch (error) {
          expect(error).toMatchObject({ name: 'KmError', code: 'invalid' });
          expect(() => [...decoder.push(encodeRecord(new Uint8Array()))]).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
          expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'invalid' }) as Error);
        }
        expect(got.slice(0, each.length)).toEqual(each.map(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['a letter', '5x\nhello', 'byte 0x78 in a length line'],
    ['a carriage return', '5\r\nhello', 'byte 0x0d in a length line'],
    ['a sign', '-5\nhello', 'byte 0x2d in a length line'],
    ['an empty line', '\n', 'an empty length line'],
    ['zeros without end', '0'.repeat(21), 'a length line without an end'],
    ['a length beyond the limit', '1001\n', 'a record of more than 1000 bytes'],
    ['a length beyond all numbers', '9'.repeat(20), 'a record of more than 1000 bytes'],
  ])('refuses %s', (_name, bytes, fault) => {
    expect(() => [...new RecordDecoder({ limitBytes: 1_000 }).push(Buffer.from(bytes))]).toThrow(fault);
  });

  it('takes a record as long as the limit, an empty one, and leading zeros', () => {
    const decoder = new RecordDecoder({ limitBytes: 5 });
    expect(decode(decoder, [Buffer.from('5\nhello0\n0005\nworld')]).map(text)).toEqual(['hello', '', 'world']);
  });

  it('holds no more memory than what has arrived, whatever is announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 500 }, () => {
      const decoder = new RecordDecoder();
      expect([...decoder.push(Buffer.from('60000000\nsome'))]).toEqual([]);
      return decoder;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(500 * 32 * 1024);
    expect(decoders.every(({ atBoundary }) => !atBoundary)).toBe(true);
  });

  it('copies each byte a bounded number of times', () => {
    const size = 8 * 1024 * 1024;
    const bytes = encodeRecord(new Uint8Array(size).fill(65));
    const decoder = new RecordDecoder();
    const started = performance.now();
    let found = 0;
    for (let at = 0; at < bytes.length; at += 512) for (const record of decoder.push(bytes.subarray(at, at + 512))) found = record.length;
    expect(found).toBe(size);
    expect(performance.now() - started).toBeLessThan(2_000); // quadratic copying would take minutes
  });

  it('does not grow over many records', () => {
    const decoder = new RecordDecoder();
    const chunk = Buffer.concat(Array.from({ length: 100 }, (_, i) => encodeRecord(new Uint8Array(i * 10))));
    const halves = [chunk.subarray(0, 1_234), chunk.subarray(1_234)];
    let before = 0;
    let count = 0;
    for (let round = 0; round < 2_000; round++) {
      if (round === 200) before = process.memoryUsage().arrayBuffers;
      for (const half of halves) for (const record of decoder.push(half)) count += record.length === 990 ? 1 : 0;
    }
    expect(count).toBe(2_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
