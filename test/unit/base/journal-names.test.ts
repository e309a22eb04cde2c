/** What a power cut leaves: of names in a folder only those that were there at its last fsync. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Journal } from '../../../src/base/index.ts';

/** Which file each folder's names led to when the folder was last brought to the disk. */
const onDisk = new Map<string, Map<string, number>>();

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const fsyncSync = (fd: number): void => {
    real.fsyncSync(fd);
    const path = real.readlinkSync(`/proc/self/fd/${fd}`);
    if (real.fstatSync(fd).isDirectory()) onDisk.set(path, new Map(real.readdirSync(path).map((name) => [name, real.statSync(join(path, name)).ino])));
  };
  return { ...real, default: { ...real, fsyncSync }, fsyncSync };
});

let root: string;
let path: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'km-names-')));
  path = join(root, 'deep', 'er', 'journal');
  onDisk.clear();
});
afterEach(() => fs.rmSync(root, { recursive: true }));

/** Whether the file that is there now would be after a power cut. */
function outlasts(): boolean {
  let file = path;
  do {
    if (onDisk.get(dirname(file))?.get(file.slice(dirname(file).length + 1)) !== fs.statSync(file).ino) return false;
    file = dirname(file);
  } while (file !== root);
  return true;
}

it('a journal that is begun, and one that is written anew, are there after a power cut', async () => {
  const { journal } = Journal.open<{ n: number }>(path, { snapshot: () => [{ n: 1 }], onError: (error) => { throw error; } });
  expect(outlasts()).toBe(true);
  journal.append({ n: 1 });
  const first = fs.statSync(path).ino;
  journal.compact();
  expect(fs.statSync(path).ino).not.toBe(first);
  expect(outlasts()).toBe(true);
  await journal.close();
});
