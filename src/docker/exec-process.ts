import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';

/** The Engine may report an exec as running after its output has ended; looked at after these pauses, milliseconds, 10 s in all. */
const EXIT_CODE_PAUSES_MS = [0, 5, 10, 25, 50, 100, 200, 400, 800, 1600, 3200, 3610];

/** How a command ended whose output has; `undefined` when it goes on without outputs. */
export async function exitCodeOf(exec: Docker.Exec, signal: AbortSignal): Promise<number | undefined> {
  for (const pause of EXIT_CODE_PAUSES_MS) {
    if (pause > 0) await sleep(pause, undefined, { signal });
    const { Running: running, ExitCode: code } = (await exec.inspect({ abortSignal: signal })) as { Running: boolean; ExitCode: number | null };
    if (!running && code !== null) return code;
  }
  return undefined;
}

/**
 * Sends a signal to what an abandoned exec left running: Docker has no call for it, and commands that hang would pile up in the container
 * (kubernetes/kubernetes#94080). Only a process that is in the container's cgroup is touched; `exec` made it the leader of
 * its own session, so that its children get it too. Where we cannot reach it nothing happens.
 */
export async function signalExec(exec: Docker.Exec, containerId: string, name: NodeJS.Signals): Promise<void> {
  try {
    const { Pid: pid, Running: running } = (await exec.inspect({ abortSignal: AbortSignal.timeout(5_000) })) as { Pid: number; Running: boolean };
    if (!running || pid <= 1) return;
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (cgroup.includes(containerId)) process.kill(-pid, name);
  } catch {
    // It has ended by itself, or it is not ours to reach; the command's own failure is what counts.
  }
}
