import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonLogDecoder, type DecoderOptions } from '../../../../src/docker/json-log/decoder.ts';
import { entryLine, type Written } from './docker-log.ts';

function decode(log: string | Buffer, options: DecoderOptions = { timestamps: false }): string {
  const bytes = Buffer.from(log);
  const { text, used } = new JsonLogDecoder(options).decode(bytes, bytes.length);
  expect(used).toBe(bytes.lastIndexOf(10) + 1);
  return text.toString();
}

const ms = fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2099, 0, 1) });
const text = fc.string({ unit: fc.oneof(fc.constantFrom('\\', '"', '\n', '\r', '\t', '<', '&', '\u0000', '\u001b', '\u2028', '/', 'u', 'n', '🌍', 'é'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })), maxLength: 60 });
const written: fc.Arbitrary<Written> = fc.record({ text, stream: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'), ms, nanoseconds: fc.integer({ min: 0, max: 999_999 }) });

describe('a log of the json-file driver', () => {
  it('gives what the container wrote, whatever it wrote', () => {
    fc.assert(fc.property(fc.array(written), (all) => {
      expect(decode(all.map(entryLine).join(''))).toBe(all.map((one) => one.text).join(''));
    }));
  });

  it('is the same however it is cut into blocks', () => {
    fc.assert(fc.property(fc.array(written, { minLength: 1 }), fc.integer({ min: 1, max: 200 }), (all, size) => {
      const log = Buffer.from(all.map(entryLine).join(''));
      const decoder = new JsonLogDecoder({ timestamps: true });
      let out = '';
      let rest = Buffer.alloc(0);
      for (let at = 0; at < log.length; at += size) {
        const block = Buffer.concat([rest, log.subarray(at, at + size)]);
        const { text: decoded, used } = decoder.decode(block, block.length);
        out += decoded.toString();
        rest = block.subarray(used);
      }
      expect(out).toBe(decode(log, { timestamps: true }));
      expect(rest.length).toBe(0);
    }));
  });

  it('shows times with all nine digits of a second, whatever zeros Docker leaves out', () => {
    const lines = [
      '{"log":"a\\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}',
      '{"log":"b\\n","stream":"stderr","time":"2026-01-02T03:04:05.12Z"}',
      '{"log":"c\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}',
      '{"log":"d\\n","stream":"stdout","attrs":{"tag":"x"},"time":"2026-01-02T03:04:05.5Z"}',
    ];
    expect(decode(`${lines.join('\n')}\n`, { timestamps: true })).toBe(
      '2026-01-02T03:04:05.123456789Z a\n2026-01-02T03:04:05.120000000Z b\n2026-01-02T03:04:05.000000000Z c\n2026-01-02T03:04:05.500000000Z d\n',
    );
  });

  it('gives a line that Docker split one time only, each output for itself', () => {
    const at = (stream: 'stdout' | 'stderr', piece: string, second: number): string => entryLine({ text: piece, stream, ms: Date.UTC(2026, 0, 1, 0, 0, second) });
    const log = at('stdout', 'begin-', 1) + at('stderr', 'error\n', 2) + at('stdout', 'end\\n', 3) + at('stdout', '\n', 4) + at('stdout', 'next\n', 5);
    expect(decode(log, { timestamps: true })).toBe(
      '2026-01-01T00:00:01.000000000Z begin-2026-01-01T00:00:02.000000000Z error\nend\\n\n2026-01-01T00:00:05.000000000Z next\n',
    );
  });

  it('leaves out what is older, to the nanosecond', () => {
    fc.assert(fc.property(fc.array(written), ms, (all, sinceMs) => {
      expect(decode(all.map(entryLine).join(''), { timestamps: false, sinceMs })).toBe(all.filter((one) => one.ms >= sinceMs).map((one) => one.text).join(''));
    }));
  });

  it('leaves out lines that are torn or damaged, and nothing else', () => {
    const whole = entryLine({ text: 'kept\n', stream: 'stdout', ms: 0 });
    fc.assert(fc.property(fc.array(fc.oneof(fc.constant(whole), fc.string().map((noise) => `${noise.replaceAll('\n', '')}\n`), fc.nat(40).map((cut) => `${whole.slice(0, cut)}\n`))), (lines) => {
      const isEntry = (line: string): boolean => line === whole;
      expect(decode(lines.join(''))).toBe('kept\n'.repeat(lines.filter(isEntry).length));
    }));
  });

  it('passes any bytes without harm', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(() => decode(Buffer.from(bytes), { timestamps: true, sinceMs: 0 })).not.toThrow();
    }));
  });
});
