import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KmError } from '../../base/index.ts';

/**
 * Makes `dir` ours as long as this process lives: two clusters in one directory would overwrite each other's files. Resolves
 * with what gives it back. Throws code `conflict` when another process has it; one that died without giving it back does not count.
 */
export async function claimStateDir(dir: string): Promise<() => Promise<void>> {
  const file = join(dir, 'pid');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(file, 'utf8').catch(() => ''));
    if (isAlive(owner)) throw new KmError('conflict', `${dir} is in use by process ${owner}: stop that one, or name another directory`);
    await rm(file, { force: true });
  }
  throw new KmError('conflict', `${dir} is being claimed by others at this very moment`);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
