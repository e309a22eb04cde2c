import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../src/kubernetes/lines.ts';

async function* cut(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const at of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(from, Math.max(from, Math.min(at, bytes.length)));
    from = Math.max(from, Math.min(at, bytes.length));
  }
  yield bytes.subarray(from);
}

async function all(source: AsyncIterable<string>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of source) lines.push(line);
  return lines;
}

describe('lines', () => {
  it('are the same however the bytes are cut, inside of a character too', async () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => JSON.stringify({ text }));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(400)), fc.boolean(), async (lines, cuts, ended) => {
        const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''));
        expect(await all(linesOf(cut(bytes, cuts)))).toEqual(lines);
      }),
    );
  });

  it('leave out empty ones', async () => {
    expect(await all(linesOf(cut(Buffer.from('\n\na\r\n\n b \n'), [])))).toEqual(['a', 'b']);
  });

  it('that never end are an error, not memory', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 1000; i++) yield Buffer.alloc(1000, 'x');
    }
    await expect(all(linesOf(endless(), 10_000))).rejects.toMatchObject({ code: 'internal' });
  });

  it('survive any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(300)), async (bytes, cuts) => {
        const whole = await all(linesOf(cut(bytes, [])));
        expect(await all(linesOf(cut(bytes, cuts)))).toEqual(whole);
      }),
    );
  });
});
