import { PassThrough, Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pour, pourApart } from '../../../src/base/index.ts';

const MEBIBYTE = 1024 * 1024;

/** Keeps what it is given, write by write; takes the next one when told, or at once. */
class Sink extends Writable {
  readonly writes: Buffer[] = [];
  readonly #slow: boolean;
  #taken: (() => void) | undefined;

  constructor(slow: boolean) {
    super({ highWaterMark: 16 });
    this.#slow = slow;
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    if (this.#slow) this.#taken = done;
    else setImmediate(done);
  }

  take(): void {
    this.#taken?.();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Long enough for all that came to be written, unless the target is busy. */
async function turns(): Promise<void> {
  for (let i = 0; i < 4; i++) await turn();
}

describe('what is poured', () => {
  it('arrives whole and in order, whatever the pieces are, before whoever listens hears of the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 40 }), fc.boolean(), async (pieces, waits) => {
        const from = new PassThrough();
        const to = new Sink(false);
        pour(from, to);
        const finished = new Promise((resolve) => from.once('end', () => to.end(resolve)));
        for (const piece of pieces) {
          from.write(piece);
          if (waits) await turn();
        }
        from.end();
        await finished;
        expect(Buffer.concat(to.writes)).toEqual(Buffer.concat(pieces));
      }),
      { numRuns: 50 },
    );
  });

  it('is written together that came while a write was under way', async () => {
    const from = new PassThrough();
    const to = new Sink(true);
    pour(from, to);
    from.write('a'.repeat(20));
    await turns();
    for (const piece of ['b', 'c', 'd']) from.write(piece);
    await turns();
    expect(to.writes.map(String)).toEqual(['a'.repeat(20)]);
    to.take();
    await turns();
    expect(to.writes.map(String)).toEqual(['a'.repeat(20), 'bcd']);
  });

  it('is written together while more comes in every turn, up to a point', async () => {
    const from = new PassThrough();
    const to = new Sink(false);
    pour(from, to);
    for (let i = 0; i < 12; i++) {
      for (let piece = 0; piece < 2; piece++) from.write(Buffer.alloc(8 * 1024));
      await turn();
    }
    await turns();
    expect(to.writes.length).toBeGreaterThan(1);
    expect(to.writes.length).toBeLessThanOrEqual(6);
  });

  it('is bounded: a source waits whose target takes nothing, and goes on when it does', async () => {
    let made = 0;
    const from = new Readable({ read: () => void from.push(Buffer.alloc(10_000, made++)) });
    const to = new Sink(true);
    const stop = pour(from, to);
    for (let i = 0; i < 300; i++) await turn();
    const before = made;
    expect(before * 10_000).toBeLessThan(MEBIBYTE);
    for (let i = 0; i < 20; i++) await turn();
    expect(made).toBe(before);
    to.take();
    for (let i = 0; i < 300; i++) await turn();
    expect(made).toBeGreaterThan(before);
    stop();
  });

  it('is written though the source breaks afterwards', async () => {
    const from = new PassThrough();
    const to = new Sink(false);
    pour(from, to);
    from.once('data', () => from.destroy());
    from.write('all that there was');
    await new Promise((resolve) => from.once('close', resolve));
    expect(String(Buffer.concat(to.writes))).toBe('all that there was');
  });

  it('ends where it is stopped, and the rest is left in the source', async () => {
    const from = new PassThrough();
    const to = new Sink(false);
    const stop = pour(from, to);
    from.write('before');
    await turns();
    stop();
    from.write('after');
    await turn();
    expect([String(Buffer.concat(to.writes)), from.isPaused(), String(from.read())]).toEqual(['before', true, 'after']);
  });
});

describe('what is poured into several streams', () => {
  const letters = (streams: Record<string, Writable>) => (chunk: Buffer, put: (to: Writable, piece: Buffer) => void) => {
    for (const [at, letter] of [...String(chunk)].entries()) {
      const to = streams[letter];
      if (to !== undefined) put(to, chunk.subarray(at, at + 1));
    }
  };

  it('goes where it is to go, and what is for nobody nowhere', async () => {
    const from = new PassThrough();
    const streams = { a: new Sink(false), b: new Sink(false) };
    pourApart(from, letters(streams));
    from.write('abxa');
    from.end('bb');
    await new Promise((resolve) => from.once('close', resolve));
    await turns();
    expect(Object.values(streams).map(({ writes }) => String(Buffer.concat(writes)))).toEqual(['aa', 'bbb']);
  });

  it('waits for each of them, but not for one that is closed', async () => {
    const from = new PassThrough();
    const streams = { a: new Sink(true), b: new Sink(false) };
    streams.a.on('error', () => undefined);
    const stop = pourApart(from, letters(streams));
    from.write('a'.repeat(20));
    await turns();
    from.write('b');
    await turns();
    expect(streams.b.writes).toEqual([]);
    streams.a.destroy();
    await turns();
    expect(streams.b.writes.map(String)).toEqual(['b']);
    from.write('ab');
    await turns();
    expect(streams.b.writes.map(String)).toEqual(['b', 'b']);
    stop();
  });
});
