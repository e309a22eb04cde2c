import { readdirSync } from 'node:fs';
import { link, mkdir, mkdtemp, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { treeSize } from '../../../src/volumes/index.ts';
import { removeTree } from '../../../src/volumes/remove-tree.ts';

let dir = '';
let tree = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-size-'));
  tree = join(dir, 'tree');
  await mkdir(tree);
});
afterEach(() => removeTree(dir));

const openFiles = (): number => readdirSync('/proc/self/fd').length;
const never = new AbortController().signal;
const DATA = Buffer.alloc(65_536, 1);

/** Puts what is there so many directories deeper: as a path longer than any path may be. */
async function sink(path: string, depth: number): Promise<void> {
  for (let i = 0; i < depth; i++) {
    await mkdir(`${path}.out`);
    await rename(path, join(`${path}.out`, 'd'.repeat(100)));
    await rename(`${path}.out`, path);
  }
}

describe('what a tree takes', () => {
  it('is counted however deep it is, with few files open', async () => {
    await writeFile(join(tree, 'deepest'), DATA);
    await sink(tree, 60);
    for (const name of ['a', 'b', 'c']) await writeFile(join(tree, name), DATA); // come to before and behind the deep one
    const before = openFiles();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, openFiles())), 1);
    const size = await treeSize(tree, never);
    clearInterval(watch);
    expect(size).toMatchObject({ whole: true, inodes: 1 + 60 + 4 });
    expect(size?.bytes).toBeGreaterThanOrEqual(4 * DATA.length);
    expect(most - before).toBeLessThan(60);
    expect(openFiles()).toBe(before);
  });

  it('goes on where it was in each of the directories above a deep one', async () => {
    for (let i = 0; i < 3; i++) {
      await mkdir(join(tree, `chain-${i}`));
      for (let j = 0; j < 50; j++) await mkdir(join(tree, `chain-${i}`, `${j}`)); // more than one look shows
      for (let j = 0; j < 3; j++) await sink(join(tree, `chain-${i}`, `${j}`), 40);
    }
    await sink(tree, 5);
    expect(await treeSize(tree, never)).toMatchObject({ whole: true, inodes: 6 + 3 + 150 + 3 * 3 * 40 });
  });

  it('counts names that are no text, links as links, and a file once, however many names it has', async () => {
    await mkdir(join(tree, 'sub'));
    await writeFile(Buffer.concat([Buffer.from(`${tree}/sub/`), Buffer.from([0xff, 0xfe])]), DATA);
    await writeFile(join(dir, 'elsewhere'), DATA);
    await symlink(join(dir, 'elsewhere'), join(tree, 'link'));
    const once = await treeSize(tree, never);
    expect(once).toMatchObject({ inodes: 4, whole: true });
    expect(once?.bytes).toBeGreaterThanOrEqual(DATA.length);
    expect(once?.bytes).toBeLessThan(2 * DATA.length);
    await writeFile(join(tree, 'one'), DATA);
    for (const name of ['two', 'sub/three']) await link(join(tree, 'one'), join(tree, name));
    const size = await treeSize(tree, never);
    expect(size?.inodes).toBe(5);
    expect(size?.bytes).toBeLessThan(3 * DATA.length);
  });

  it('is what was come to when the time is over, and nothing where there is no such directory', async () => {
    for (let i = 0; i < 200; i++) await mkdir(join(tree, `${i}`));
    const end = new AbortController();
    setImmediate(() => end.abort());
    const part = await treeSize(tree, end.signal);
    expect(part?.whole).toBe(false);
    expect(part?.inodes).toBeGreaterThanOrEqual(1);
    expect(part?.inodes).toBeLessThan(201);
    expect(await treeSize(join(dir, 'none'), never)).toBeUndefined();
  });
});
