import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';

/** What the Engine says of an exec may lag behind: it is asked again after these pauses, milliseconds, 10 s in all. */
const PAUSES_MS = [0, 5, 10, 25, 50, 100, 200, 400, 800, 1600, 3200, 3610];

/** How a command ended whose output has, which the Engine may go on calling running for a while; `undefined` when it goes on without outputs. */
export async function exitCodeOf(exec: Docker.Exec, signal: AbortSignal): Promise<number | undefined> {
  for (const pause of PAUSES_MS) {
    if (pause > 0) await sleep(pause, undefined, { signal });
    const { Running: running, ExitCode: code } = (await exec.inspect({ abortSignal: signal })) as { Running: boolean; ExitCode: number | null };
    if (!running && code !== null) return code;
  }
  return undefined;
}

/** How long it is tried to reach a process, milliseconds. */
const REACH_MS = 10_000;

/**
 * Sends a signal to what an abandoned exec left running: Docker has no call for it, and commands that hang would pile up in the container
 * (kubernetes/kubernetes#94080). Only a process that is in the container's cgroup is touched; `exec` made it the leader of
 * its own session, so that its children get it too. One that is just being started has no number at first: it is looked for again, also where the Engine is too
 * busy to answer. Where we cannot reach it nothing happens.
 */
export async function signalExec(exec: Pick<Docker.Exec, 'inspect'>, containerId: string, name: NodeJS.Signals): Promise<void> {
  const signal = AbortSignal.timeout(REACH_MS);
  for (const pause of PAUSES_MS) {
    if (pause > 0) await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted || (await trySignal(exec, containerId, name, signal))) return;
  }
}

/** False while it may have to be tried again. */
async function trySignal(exec: Pick<Docker.Exec, 'inspect'>, containerId: string, name: NodeJS.Signals, signal: AbortSignal): Promise<boolean> {
  try {
    const { Pid: pid, Running: running } = (await exec.inspect({ abortSignal: signal })) as { Pid: number; Running: boolean };
    if (!running) return true;
    if (pid <= 1) return false;
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (cgroup.includes(containerId)) process.kill(-pid, name);
    return true;
  } catch (error) {
    const { statusCode, code } = error as { statusCode?: number; code?: string };
    // Forgotten since it has ended, or not ours to reach. Else it has just ended, or does not lead its session yet, or the Engine did not answer: the next try tells.
    return statusCode === 404 || code === 'EPERM';
  }
}
