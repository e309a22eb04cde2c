import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { VolumeFiles } from '../../../src/pod/index.ts';
import { writeAtomically } from '../../../src/volumes/write-atomically.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-atomic-'));
});
afterEach(() => rm(dir, { recursive: true }));

type Texts = Readonly<Record<string, string>>;

const filesOf = (texts: Texts, mode = 0o644): VolumeFiles => new Map(Object.entries(texts).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));
const write = (texts: Texts, directory = dir): Promise<void> => writeAtomically(directory, filesOf(texts));

/** What a container sees: every file below the names that do not begin with two dots. */
async function seen(directory = dir): Promise<Texts> {
  const found: Record<string, string> = {};
  const visit = async (path: string): Promise<void> => {
    const full = join(directory, path);
    if (!(await stat(full)).isDirectory()) found[path] = await readFile(full, 'utf8');
    else for (const name of await readdir(full)) await visit(join(path, name));
  };
  for (const name of await readdir(directory)) if (!name.startsWith('..')) await visit(name);
  return found;
}

/** Names that only the volume itself uses. */
const inner = async (): Promise<string[]> => (await readdir(dir)).filter((name) => name.startsWith('..'));

describe('files of a volume', () => {
  it('are links into one state, so that one rename changes all', async () => {
    await write({ 'user/labels': 'l', name: 'n' });
    expect(await readlink(join(dir, 'name'))).toBe('..data/name');
    expect(await readlink(join(dir, 'user'))).toBe('..data/user');
    expect(await readlink(join(dir, '..data'))).toMatch(/^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.[0-9a-f]+$/);
    expect(await seen()).toEqual({ 'user/labels': 'l', name: 'n' });
  });

  it('have the mode they shall have, whatever the umask is', async () => {
    const umask = process.umask(0o077);
    try {
      await writeAtomically(dir, filesOf({ 'a/b': '' }, 0o666));
    } finally {
      process.umask(umask);
    }
    expect((await stat(join(dir, 'a/b'))).mode & 0o7777).toBe(0o666);
    expect((await stat(join(dir, 'a'))).mode & 0o7777).toBe(0o755);
  });

  it.skipIf(process.getuid?.() !== 0)('belong to the user and the group that shall read them', async () => {
    await writeAtomically(dir, new Map([['a/b', { data: Buffer.from('x'), mode: 0o600, user: 1234 }]]), 4321);
    expect(await stat(join(dir, 'a/b'))).toMatchObject({ uid: 1234, gid: 4321 });
    expect((await stat(join(dir, 'a/b'))).mode & 0o7777).toBe(0o640);
    expect(await stat(join(dir, 'a'))).toMatchObject({ uid: 0, gid: 4321 });
    expect((await stat(join(dir, 'a'))).mode & 0o7777).toBe(0o2755);
  });

  it('that stay as they are are not written again', async () => {
    await write({ a: '1', 'b/c': '2' });
    const before = await readlink(join(dir, '..data'));
    await write({ a: '1', 'b/c': '2' });
    expect(await readlink(join(dir, '..data'))).toBe(before);
    await write({ a: '1' });
    expect(await readlink(join(dir, '..data'))).not.toBe(before);
    expect(await seen()).toEqual({ a: '1' });
  });

  it('leave alone what other volumes are mounted on', async () => {
    await mkdir(join(dir, 'nested/deep'), { recursive: true });
    await write({ a: '1' });
    await write({ b: '2' });
    expect(await readdir(join(dir, 'nested'))).toEqual(['deep']);
    expect(await readdir(dir)).toContain('b');
  });

  it('come right after a death at the worst moment', async () => {
    await write({ a: '1' });
    await mkdir(join(dir, '..2020_01_01_00_00_00.abc'));
    await writeFile(join(dir, '..2020_01_01_00_00_00.abc/half'), 'x');
    await symlink('..2020_01_01_00_00_00.abc', join(dir, '..data_tmp'));
    await symlink('..data/half', join(dir, 'half'));
    await write({ a: '2' });
    expect(await readdir(dir)).toHaveLength(3);
    expect(await seen()).toEqual({ a: '2' });
  });

  test.each<[string, RegExp]>([
    ['', /must not be empty/],
    ['/etc/passwd', /must be relative path/],
    ['a/../../b', /must not contain '\.\.'/],
    ['..', /must not contain '\.\.'/],
    ['..data/x', /must not start with '\.\.'/],
    ['./..data', /must not start with '\.\.'/],
    ['...', /must not start with '\.\.'/],
    ['x'.repeat(256), /filenames must be less than or equal to 255/],
    ['x/'.repeat(3000), /less than or equal to 4096/],
  ])('cannot be called %j', async (path, message) => {
    await expect(write({ fine: 'x', [path]: 'x' })).rejects.toMatchObject({ code: 'invalid', message: expect.stringMatching(message) as string });
    expect(await readdir(dir)).toEqual([]);
  });

  test.each(['a..b', 'a/..b', '.hidden', 'a/./b'])('may be called %s', async (path) => {
    await write({ [path]: 'x' });
    expect(Object.values(await seen())).toEqual(['x']);
  });
});

/** States as pods have them: few names, so that one is a file here and a directory there. */
const name = fc.constantFrom('a', 'b', 'c', 'labels', 'x-y.z');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const texts = fc.dictionary(path, fc.string({ maxLength: 20 }), { maxKeys: 6 }).map((found): Texts => {
  const paths = Object.keys(found);
  return Object.fromEntries(Object.entries(found).filter(([one]) => !paths.some((other) => other.startsWith(`${one}/`))));
});

test('any row of states leaves exactly the last one, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 5 }), async (states) => {
      const directory = await mkdtemp(join(dir, 'v-'));
      for (const state of states) {
        await write(state, directory);
        expect(await seen(directory)).toEqual(state);
      }
      const left = (await readdir(directory)).filter((one) => one.startsWith('..'));
      expect(left).toHaveLength(2);
    }),
    { numRuns: 60 },
  );
});

test('whoever reads through one look at the state never sees a mixture', async () => {
  const state = (n: number): Texts => ({ one: String(n), 'deep/two': String(n), [n % 2 === 0 ? 'even' : 'odd']: String(n) });
  await write(state(0));
  let writing = true;
  const read = async (): Promise<number> => {
    let looks = 0;
    while (writing) {
      const at = join(dir, await readlink(join(dir, '..data')));
      const [one, two] = await Promise.all([readFile(join(at, 'one'), 'utf8'), readFile(join(at, 'deep/two'), 'utf8')]).catch(() => ['gone', 'gone']);
      expect(one).toBe(two);
      looks++;
    }
    return looks;
  };
  const reading = read();
  for (let n = 1; n <= 100; n++) await write(state(n));
  writing = false;
  expect(await reading).toBeGreaterThan(10);
  expect(await inner()).toHaveLength(2);
});
