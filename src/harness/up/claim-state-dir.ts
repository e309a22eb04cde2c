import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KmError } from '../../base/index.ts';

/**
 * Makes `dir` ours as long as this process lives: two clusters in one directory would overwrite each other's files. Resolves
 * with what gives it back. Throws code `conflict` when somebody has it; a process that died without giving it back does not count.
 */
export async function claimStateDir(dir: string): Promise<() => Promise<void>> {
  const file = join(dir, 'pid');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(file, `${process.pid} ${await startOf(process.pid)}`, { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid = '', start = ''] = (await readFile(file, 'utf8').catch(() => '')).split(' ');
    if (start !== '' && (await startOf(pid)) === start) throw new KmError('conflict', `${dir} is in use by process ${pid}: stop that one, or name another directory`);
    await rm(file, { force: true });
  }
  throw new KmError('conflict', `${dir} is being claimed by others at this very moment`);
}

/** When a process started, in the kernel's own unit: with it a pid that was given anew is told from the old one. Empty without such a process. */
async function startOf(pid: number | string): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
