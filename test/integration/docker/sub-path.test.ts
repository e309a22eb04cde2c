/** Attacks on `subPath`: the volume belongs to containers, which change it while we look; the node's files beside it are nobody's to see. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { removePodFiles } from '../../../src/volumes/index.ts';
import { subPathTarget } from '../../../src/volumes/paths.ts';
import { holdSubPath } from '../../../src/volumes/sub-path.ts';
import { writeAtomically } from '../../../src/volumes/write-atomically.ts';

const UID = 'uid-1';
let dir = '';
let volume = '';
let outside = '';
let target = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-sub-path-'));
  [volume, outside] = [join(dir, 'volume'), join(dir, 'outside')];
  await mkdir(volume);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'secret');
  target = subPathTarget(join(dir, 'root'), UID, 'v', 'main', 0);
});
afterEach(async () => {
  await removePodFiles(join(dir, 'root'), UID);
  expect((await readFile('/proc/self/mountinfo', 'utf8')).includes(dir)).toBe(false);
  expect(await readdir(outside)).toEqual(['secret']);
  await rm(dir, { recursive: true });
});

const hold = (subPath: string): Promise<void> => holdSubPath({ volume, subPath, target });
const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false);

describe('a subPath', () => {
  it('may be any kind of file that is there, and is never opened for it', async () => {
    execFileSync('mkfifo', [join(volume, 'fifo')]);
    execFileSync('mknod', [join(volume, 'null'), 'c', '1', '3']);
    const server = createServer().listen(join(volume, 'socket'));
    await once(server, 'listening');
    try {
      await hold('fifo');
      expect((await stat(target)).isFIFO()).toBe(true);
      await hold('socket');
      expect((await stat(target)).isSocket()).toBe(true);
      await hold('null');
      expect((await stat(target)).isCharacterDevice()).toBe(true);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('gets the volume’s mode where it is made, whatever the umask is', async () => {
    await chmod(volume, 0o2775);
    const umask = process.umask(0o077);
    try {
      await hold('a/b');
    } finally {
      process.umask(umask);
    }
    expect((await stat(join(volume, 'a'))).mode & 0o7777).toBe(0o2775);
    expect((await stat(target)).mode & 0o7777).toBe(0o2775);
  });

  it('has odd names as they are', async () => {
    for (const name of ['with blank', 'back\\slash', 'new\nline', 'ü', '...', '..x', '-o', 'a,b=c']) {
      await hold(name);
      await writeFile(join(target, 'mine'), name);
      expect(await readFile(join(volume, name, 'mine'), 'utf8')).toBe(name);
    }
  });

  it.each(['/etc', '..', '../outside', 'a/../../outside', 'a/..', 'a/../b'])('cannot be %s', async (subPath) => {
    await mkdir(join(volume, 'a'));
    await expect(hold(subPath)).rejects.toMatchObject({ code: 'workload' });
    expect(await exists(target)).toBe(false);
  });

  it.each([
    ['to a directory outside', '../outside', 'link'],
    ['to a file outside', '../outside/secret', 'link'],
    ['to the root', '/', 'link'],
    ['to itself', 'link', 'link'],
    ['to nothing, which would be made', '../outside/new', 'link'],
    ['to nothing, which would be made below', '../outside/new', 'link/below'],
    ['in the middle', '../outside', 'link/secret'],
    ['through /proc', '/proc/self/cwd', 'link'],
  ])('cannot be a link %s', async (_what, to, subPath) => {
    await symlink(to, join(volume, 'link'));
    await expect(hold(subPath)).rejects.toThrow();
    expect(await exists(target)).toBe(false);
  });

  it('of a volume that is no directory, or is not there, is an error and makes nothing', async () => {
    await writeFile(join(dir, 'file'), 'x');
    await expect(holdSubPath({ volume: join(dir, 'file'), subPath: 'a', target })).rejects.toThrow();
    await expect(holdSubPath({ volume: join(dir, 'none'), subPath: 'a', target })).rejects.toThrow();
    await writeFile(join(volume, 'file'), 'x');
    await expect(hold('file/below')).rejects.toThrow();
    expect(await exists(join(dir, 'none'))).toBe(false);
  });

  it('is what was checked, not what has its name later', async () => {
    await mkdir(join(volume, 'a'));
    await writeFile(join(volume, 'a/mine'), 'mine');
    await hold('a');
    await rename(join(volume, 'a'), join(volume, 'b'));
    await symlink(outside, join(volume, 'a'));
    expect(await readdir(target)).toEqual(['mine']);
  });
});

test('whatever the names are, a subPath is in the volume or an error', async () => {
  await mkdir(join(volume, 'd/e'), { recursive: true });
  await writeFile(join(volume, 'd/file'), 'x');
  await symlink('../../outside', join(volume, 'd/out'));
  await symlink('e', join(volume, 'd/in'));
  await symlink('..', join(volume, 'd/e/up'));
  const name = fc.constantFrom('d', 'e', 'in', 'out', 'up', 'file', 'new', '.', '..', '', 'secret', 'outside');
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 6 }), async (names) => {
      const done = await hold(names.join('/')).then(() => true, () => false);
      if (!done) return;
      const { ino, dev } = await stat(target);
      const found = execFileSync('find', [volume, '-xdev', '-inum', String(ino)], { encoding: 'utf8' });
      expect([found.startsWith(volume), dev]).toEqual([true, (await stat(volume)).dev]);
    }),
    { numRuns: 40 },
  );
}, 60_000);

/** A container that turns a directory into a link to the node's files and back as fast as it can. */
const SWAP = `
  const fs = require('node:fs');
  process.chdir(process.argv[1]);
  const may = (work) => { try { work(); } catch {} };
  process.stdout.write('on');
  for (;;) {
    may(() => fs.renameSync('a', 'kept'));
    may(() => fs.rmSync('a', { recursive: true })); // made by the one who is attacked
    may(() => fs.symlinkSync(process.argv[2], 'a'));
    may(() => fs.unlinkSync('a'));
    may(() => fs.renameSync('kept', 'a'));
  }
`;

test.each([['the last part', 'a', '.'], ['a part in the middle', 'a/deep', '.'], ['a part below which something is made', 'a/new', '.'], ['a part deep down', 'top/a', 'top']])(
  'a link that is swapped in while we mount leads nowhere: %s',
  async (_what, subPath, where) => {
    await mkdir(join(volume, where, 'a/deep'), { recursive: true });
    await mkdir(join(outside, 'deep'));
    const attacker = spawn(process.execPath, ['-e', SWAP, join(volume, where), outside], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(attacker, 'exit');
    let held = 0;
    try {
      await once(attacker.stdout, 'data');
      for (let tries = 0; tries < 40; tries++) {
        await hold(subPath).then(() => held++, (error: unknown) => expect(error).toBeInstanceOf(Error));
        if (await exists(target)) expect(await readdir(target)).not.toContain('secret');
        expect((await readdir(outside)).sort()).toEqual(['deep', 'secret']);
      }
    } finally {
      attacker.kill('SIGKILL');
      await ended;
    }
    expect(held).toBeGreaterThan(0);
    expect(await readdir(join(outside, 'deep'))).toEqual([]);
    await rm(join(outside, 'deep'), { recursive: true });
  },
  60_000,
);

test('a file of ours that is replaced meanwhile is one of its states, never an empty directory', async () => {
  const write = (n: number): Promise<void> => writeAtomically(volume, new Map([['conf', { data: Buffer.from(`state ${n}`), mode: 0o644 }]]));
  await write(0);
  for (let n = 1; n <= 30; n++) {
    await Promise.all([hold('conf'), write(n)]);
    expect(await readFile(target, 'utf8')).toMatch(/^state \d+$/);
  }
});
