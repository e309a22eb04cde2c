import { readFile, rm } from 'node:fs/promises';
import { processesOfSession } from '../../../bench/processes.ts';
import type { Laboratory } from '../laboratory.ts';

/** What a worker holds while nothing is going on. */
export interface Held {
  readonly pid: number;
  readonly residentMB: number;
  readonly openFiles: number;
  readonly timers: number;
}

/** Asks the worker, once it has been quiet. */
export async function heldBy(lab: Laboratory, file: string): Promise<Held> {
  const pid = lab.worker();
  if (pid === undefined) throw new Error('there is no worker');
  await rm(file, { force: true });
  process.kill(pid, 'SIGWINCH');
  let text = '';
  await lab.until(async () => (text = await readFile(file, 'utf8').catch(() => '')) !== '');
  const { Timeout: timers = 0 } = JSON.parse(text) as Record<string, number>;
  const figures = processesOfSession(lab.session).find((one) => one.pid === pid);
  if (figures === undefined) throw new Error('the worker has ended');
  return { pid, residentMB: figures.residentBytes / 1e6, openFiles: figures.openFiles, timers };
}

export function textOf({ residentMB, openFiles, timers }: Held): string {
  return `${residentMB.toFixed(1)} MB resident, ${openFiles} open files, ${timers} timers`;
}
