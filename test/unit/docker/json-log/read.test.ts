import { truncateSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJsonLog } from '../../../../src/docker/json-log/read.ts';
import type { LogRange } from '../../../../src/docker/process-streams.ts';
import { DockerLog } from './docker-log.ts';

const ALL: LogRange = { follow: false, timestamps: false };
const FOLLOW: LogRange = { follow: true, timestamps: false };
const never = (): Promise<void> => Promise.reject(new Error('not followed'));

async function read(log: DockerLog, range: Partial<LogRange> = {}): Promise<string> {
  return collect(readJsonLog({ path: log.path, ended: never }, { ...ALL, ...range }, new AbortController().signal));
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A reader that follows while the test goes on; `text` is what it has had so far. */
class Follower {
  readonly #ended = Promise.withResolvers<void>();
  readonly #chunks: Buffer[] = [];
  readonly done: Promise<void>;

  constructor(log: DockerLog, range: Partial<LogRange> = {}, signal = new AbortController().signal) {
    const chunks = readJsonLog({ path: log.path, ended: (until) => Promise.race([this.#ended.promise, aborted(until)]) }, { ...FOLLOW, ...range }, signal);
    this.done = (async () => {
      for await (const chunk of chunks) this.#chunks.push(chunk);
    })();
    this.done.catch(() => undefined);
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  end(): void {
    this.#ended.resolve();
  }
}

/** What happens to a log. */
type Step = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'part'; readonly text: string } | { readonly kind: 'rotate' };
const word = fc.string({ unit: fc.constantFrom('a', 'b', '\\', '"', 'é', 'n'), maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: word.map((text) => ({ kind: 'line', text }) as const) },
  { weight: 2, arbitrary: word.filter((text) => text !== '').map((text) => ({ kind: 'part', text }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'rotate' } as const) },
);

function play(log: DockerLog, steps: readonly Step[]): string {
  let text = '';
  for (const one of steps) {
    if (one.kind === 'rotate') log.rotate();
    else {
      const piece = one.kind === 'line' ? `${one.text}\n` : one.text;
      log.write(piece);
      text += piece;
    }
  }
  return text;
}

describe('reading a log', () => {
  it('goes through all its rotated files', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      using log = new DockerLog(100);
      const text = play(log, steps);
      expect(await read(log)).toBe(text);
    }));
  });

  it('gives the last lines as the container wrote them, also of lines that Docker split and across files', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(30), async (steps, tailLines) => {
      using log = new DockerLog(100);
      const lines = play(log, steps).split(/(?<=\n)/);
      const wanted = tailLines === 0 ? '' : lines.filter((line) => line !== '').slice(-tailLines).join('');
      expect(await read(log, { tailLines })).toBe(wanted);
    }));
  });

  it('finds the last lines of a big log without reading the rest', async () => {
    using log = new DockerLog();
    const line = `${'x'.repeat(10_000)}\n`;
    for (let i = 0; i < 500; i++) log.write(`${i} ${line}`);
    expect(await read(log, { tailLines: 30 })).toBe(Array.from({ length: 30 }, (_, i) => `${470 + i} ${line}`).join(''));
  });

  it.each([{}, { tailLines: 100 }])('ends where the log ended at the call, however much is written meanwhile (%o)', async (range) => {
    using log = new DockerLog();
    const lines = Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(10_000)}\n`);
    lines.forEach((line) => log.write(line));
    const chunks = readJsonLog({ path: log.path, ended: never }, { ...ALL, ...range }, new AbortController().signal);
    const first = await chunks.next();
    log.write('late\n');
    expect(`${String(first.value)}${await collect(chunks)}`).toBe(lines.join(''));
  });

  it('leaves an entry that is being written for later', async () => {
    using log = new DockerLog();
    log.write('whole\n');
    log.raw('{"log":"torn');
    expect(await read(log)).toBe('whole\n');
    expect(await read(log, { tailLines: 1 })).toBe('whole\n');
  });

  it('of which there is nothing gives nothing', async () => {
    using log = new DockerLog();
    expect(await read(log)).toBe('');
    expect(await read(log, { tailLines: 3 })).toBe('');
  });
});

describe('following a log', () => {
  it('loses nothing and repeats nothing, however it is rotated and in whatever pieces it comes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 8 }), fc.boolean(), async (batches, patient) => {
      using log = new DockerLog(100);
      let text = play(log, batches[0] ?? []);
      const follower = new Follower(log);
      for (const batch of batches.slice(1)) {
        text += play(log, batch);
        // Sometimes the reader keeps up, sometimes it comes late.
        if (patient) await expect.poll(() => follower.text, { interval: 1 }).toBe(text);
        else await new Promise((resolve) => setImmediate(resolve));
      }
      follower.end();
      await follower.done;
      expect(follower.text).toBe(text);
    }), { numRuns: 60 });
  }, 60_000);

  it('begins with the last lines and goes on', async () => {
    using log = new DockerLog();
    for (const line of ['a\n', 'b\n', 'c\n']) log.write(line);
    const follower = new Follower(log, { tailLines: 1 });
    await expect.poll(() => follower.text).toBe('c\n');
    log.rotate();
    log.write('d\n');
    await expect.poll(() => follower.text).toBe('c\nd\n');
    follower.end();
    await follower.done;
  });

  it('waits for the rest of an entry', async () => {
    using log = new DockerLog();
    const follower = new Follower(log);
    log.raw('{"log":"first half ');
    log.raw('and second\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n');
    await expect.poll(() => follower.text).toBe('first half and second\n');
    follower.end();
    await follower.done;
  });

  it('has all that was written before the end', async () => {
    using log = new DockerLog();
    const follower = new Follower(log);
    log.write('last words\n');
    follower.end();
    await follower.done;
    expect(follower.text).toBe('last words\n');
  });

  it('goes on at the beginning when the only file of the log is emptied', async () => {
    using log = new DockerLog(1);
    const follower = new Follower(log);
    log.write('before, and rather long\n');
    await expect.poll(() => follower.text).toBe('before, and rather long\n');
    truncateSync(log.path);
    log.rotate();
    log.write('after\n');
    await expect.poll(() => follower.text).toBe('before, and rather long\nafter\n');
    follower.end();
    await follower.done;
  });

  it('goes on with the oldest file that is left when it comes too late', async () => {
    using log = new DockerLog(2);
    log.write('one\n');
    const follower = new Follower(log);
    await expect.poll(() => follower.text).toBe('one\n');
    for (const line of ['two\n', 'three\n', 'four\n']) {
      log.rotate();
      log.write(line);
    }
    await expect.poll(() => follower.text).toContain('four\n');
    expect(follower.text).toBe('one\nthree\nfour\n');
    follower.end();
    await follower.done;
  });

  it('ends with its reader', async () => {
    using log = new DockerLog();
    const abort = new AbortController();
    const follower = new Follower(log, {}, abort.signal);
    log.write('x\n');
    await expect.poll(() => follower.text).toBe('x\n');
    abort.abort();
    await expect(follower.done).rejects.toMatchObject({ code: 'aborted' });
  });
});
