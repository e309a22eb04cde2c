import { readdirSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree } from '../../../src/volumes/remove-tree.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-remove-'));
});
afterEach(() => removeTree(dir));

const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false);
const openFiles = (): number => readdirSync('/proc/self/fd').length;

/** Directories in each other, longer as a path than any path may be: made from the inside to the outside. */
async function deepTree(path: string, depth: number): Promise<void> {
  const name = 'd'.repeat(100);
  await mkdir(path);
  for (let i = 0; i < depth; i++) {
    await mkdir(`${path}.out`);
    await rename(path, join(`${path}.out`, name));
    await writeFile(join(`${path}.out`, 'file'), 'x');
    await rename(`${path}.out`, path);
  }
}

describe('removing a tree', () => {
  it('does not mind how deep it is', async () => {
    await deepTree(join(dir, 'deep'), 100);
    await expect(readdir(join(dir, 'deep', ...Array<string>(60).fill('d'.repeat(100))))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    await removeTree(join(dir, 'deep'));
    expect(await readdir(dir)).toEqual([]);
  });

  it('does not mind how many files and directories it has, and holds few of them open', async () => {
    const before = openFiles();
    await mkdir(join(dir, 'wide'));
    await Promise.all(Array.from({ length: 300 }, (_, i) => mkdir(join(dir, 'wide', `${i}`, 'inner'), { recursive: true }).then(() => writeFile(join(dir, 'wide', `${i}`, 'file'), 'x'))));
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, openFiles())), 1);
    await removeTree(join(dir, 'wide'));
    clearInterval(watch);
    expect(await readdir(dir)).toEqual([]);
    expect(most - before).toBeLessThan(100);
    expect(openFiles()).toBe(before);
  });

  it('takes names that are no text, and links for what they are', async () => {
    await mkdir(join(dir, 'precious'));
    await writeFile(join(dir, 'precious/file'), 'x');
    await mkdir(join(dir, 'tree/sub/inner'), { recursive: true });
    await writeFile(Buffer.concat([Buffer.from(join(dir, 'tree/sub/')), Buffer.from([0xff, 0xfe, 0x61])]), 'x');
    await mkdir(Buffer.concat([Buffer.from(join(dir, 'tree/')), Buffer.from([0xc3, 0x28])]));
    await symlink(join(dir, 'precious'), join(dir, 'tree/link'));
    await symlink(join(dir, 'precious/file'), join(dir, 'tree/sub/link'));
    await removeTree(join(dir, 'tree'));
    expect(await readdir(dir)).toEqual(['precious']);
    expect(await readFile(join(dir, 'precious/file'), 'utf8')).toBe('x');
  });

  it('takes a file or a link in its place away, and is content where nothing is', async () => {
    await mkdir(join(dir, 'precious'));
    await symlink(join(dir, 'precious'), join(dir, 'link'));
    await writeFile(join(dir, 'file'), 'x');
    for (const name of ['link', 'file', 'none']) await removeTree(join(dir, name));
    expect(await exists(join(dir, 'precious'))).toBe(true);
    expect(await readdir(dir)).toEqual(['precious']);
  });
});
