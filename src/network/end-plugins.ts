import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { KmError } from '../base/index.ts';

/** How long killed processes may take to be gone, milliseconds, and between looks. */
const PATIENCE_MS = 5000;
const LOOK_MS = 20;

/**
 * Kills what runs of plugins for that sandbox, whoever started it: a plugin and what it has called know the sandbox by their environment. Resolves when
 * none is left, so that nothing of an ADD happens behind the DEL that follows it. Code `timeout` when one stays.
 */
export async function endPlugins(sandboxId: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  // Twice: one that is just becoming another program shows no environment for a moment.
  for (let clean = 0; clean < 2; await pause(LOOK_MS)) {
    const found = await pluginsOf(sandboxId);
    clean = found.length === 0 ? clean + 1 : 0;
    if (performance.now() > until) throw new KmError('timeout', `network plugins of sandbox ${sandboxId} do not end: ${found.join(', ')}`);
    for (const pid of found) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}

/** Process ids. A dead one that nobody has waited for has no environment any more. */
async function pluginsOf(sandboxId: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const mark = `CNI_CONTAINERID=${sandboxId}`;
  const found: number[] = [];
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(mark)) found.push(Number(pid));
  }
  return found;
}
