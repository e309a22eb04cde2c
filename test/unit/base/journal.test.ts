import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isCode, Journal } from '../../../src/base/index.ts';

interface Entry {
  readonly n: number;
  readonly text?: string;
}

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-journal-'));
  path = join(folder, 'deep', 'journal');
});

afterEach(() => rmSync(folder, { recursive: true }));

function open(snapshot: () => Iterable<Entry> = () => []): { journal: Journal<Entry>; entries: Entry[] } {
  return Journal.open<Entry>(path, {
    snapshot,
    onError: (error) => {
      throw error;
    },
  });
}

async function written(...entries: Entry[]): Promise<void> {
  const { journal } = open();
  for (const entry of entries) journal.append(entry);
  await journal.close();
}

describe('Journal', () => {
  it('gives back what was appended, in order, in a file that only its owner reads', async () => {
    await written({ n: 1, text: 'ä\n' }, { n: 2 });
    const { journal, entries } = open();
    expect(entries).toEqual([{ n: 1, text: 'ä\n' }, { n: 2 }]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await journal.close();
  });

  it('has handed an entry to the kernel when append returns: the death of the process loses nothing', async () => {
    const { journal } = open();
    journal.append({ n: 7 });
    expect(readFileSync(path, 'utf8')).toContain('{"n":7}');
    await journal.close();
  });

  it('drops a torn last record, wherever it was torn, and goes on behind it', async () => {
    await written({ n: 1 }, { n: 2, text: 'some longer text' });
    const whole = readFileSync(path);
    const start = whole.indexOf('\n', whole.indexOf('"n":1')) + 1;
    for (let length = start; length < whole.length; length += 1) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      const { journal, entries } = open(() => [{ n: 1 }]);
      expect(entries).toEqual([{ n: 1 }]);
      journal.append({ n: 3 });
      await journal.close();
      const again = open();
      expect(again.entries).toEqual([{ n: 1 }, { n: 3 }]);
      await again.journal.close();
    }
  });

  it('keeps room behind what it holds for a disk that is full, and gives it back at its end', async () => {
    const { journal } = open();
    journal.append({ n: 1 });
    expect(statSync(path).size).toBeGreaterThan(128 << 10);
    expect(journal.makeRoom(1 << 20)).toBe(true);
    expect(statSync(path).size).toBeGreaterThan((128 << 10) + (1 << 20));
    await journal.close();
    expect(statSync(path).size).toBeLessThan(100);
  });

  it('after the death of the host takes what had come to the disk, up to the first hole', async () => {
    await written({ n: 1 }, { n: 2, text: 'y'.repeat(100) }, { n: 3 });
    const bytes = readFileSync(path);
    const second = bytes.indexOf('"n":2');
    writeFileSync(path, Buffer.concat([bytes.fill(0, second + 20, second + 40), Buffer.alloc(5000)]));
    const { journal, entries } = open();
    expect(entries).toEqual([{ n: 1 }]);
    journal.append({ n: 4 });
    await journal.close();
    expect(open().entries).toEqual([{ n: 1 }, { n: 4 }]);
  });

  it('names the line that is damaged before the end', async () => {
    await written({ n: 1 }, { n: 2 }, { n: 3 });
    writeFileSync(path, readFileSync(path, 'utf8').replace('{"n":2}', '{"n":9}'));
    expect(() => open()).toThrow(/line 3 is damaged/);
  });

  it('refuses a file of another format', () => {
    open();
    writeFileSync(path, 'something else\nmore\n');
    expect(() => open()).toSatisfy((attempt: () => unknown) => {
      try {
        attempt();
      } catch (error) {
        return isCode(error, 'invalid');
      }
      return false;
    });
  });

  it('is rewritten as its snapshot before it has grown by much more than 1 MiB', async () => {
    let newest = 0;
    const { journal } = open(() => [{ n: newest }]);
    for (let n = 1; n <= 3000; n += 1) {
      journal.append({ n, text: 'x'.repeat(1024) });
      newest = n;
    }
    expect(statSync(path).size).toBeLessThan(1.2 * 2 ** 20);
    await journal.close();
    const { journal: again, entries } = open(() => []);
    expect(entries.at(-1)?.n).toBe(3000);
    await again.close();
  });

  it('holds each entry once it is appended, also the one at which it is rewritten: its owner knows that only afterwards', async () => {
    let newest = 0;
    const { journal } = open(() => [{ n: newest }]);
    for (let n = 1; n <= 50; n += 1) {
      journal.append({ n, text: 'x'.repeat(64 << 10) });
      const { journal: reader, entries } = open();
      expect(entries.at(-1)?.n).toBe(n);
      await reader.close();
      newest = n;
    }
    await journal.close();
  });

  it('survives garbage at its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (garbage) => {
        rmSync(path, { force: true });
        await written({ n: 1 });
        appendFileSync(path, garbage.filter((byte) => byte !== 0x0a));
        const { journal, entries } = open(() => [{ n: 1 }]);
        expect(entries).toEqual([{ n: 1 }]);
        await journal.close();
      }),
      { numRuns: 50 },
    );
  });
});
