import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { KmError, systemClock } from '../base/index.ts';
import { dialStream } from './dial.ts';
import type { ExecOptions, ExecResult } from './engine.ts';
import { FrameReader } from './frames.ts';

/** As much of a probe's output as the kubelet keeps (Kubernetes v1.20 pkg/probe/exec/exec.go). */
const MAX_OUTPUT_BYTES = 10 * 1024;

/** The Engine may report an exec as running after its output has ended; looked at after these pauses, milliseconds, 10 s in all. */
const EXIT_CODE_PAUSES_MS = [0, 5, 10, 25, 50, 100, 200, 400, 800, 1600, 3200, 3610];

/** Runs a command in a running container to its end. */
export async function exec(
  docker: Docker,
  containerId: string,
  command: readonly string[],
  options: ExecOptions & { readonly pidsAreLocal: boolean },
): Promise<ExecResult> {
  const late = new AbortController();
  const signal = options.signal === undefined ? late.signal : AbortSignal.any([options.signal, late.signal]);
  const cancel = systemClock.after(options.timeoutMs, () => {
    late.abort(new KmError('timeout', `command "${command.join(' ')}" timed out after ${options.timeoutMs / 1000}s`));
  });
  let started: Docker.Exec | undefined;
  try {
    const created = await docker.getContainer(containerId).exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, abortSignal: signal });
    started = created;
    const output = await collect(docker, created.id, options.maxOutputBytes ?? MAX_OUTPUT_BYTES, signal);
    return { exitCode: await exitCode(created, signal), output };
  } catch (error) {
    if (!signal.aborted) throw error;
    if (started !== undefined && options.pidsAreLocal) await killExec(started, containerId);
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    cancel();
  }
}

async function collect(docker: Docker, execId: string, maxBytes: number, signal: AbortSignal): Promise<string> {
  const answer = await dialStream(docker, { method: 'POST', path: `/exec/${execId}/start`, body: { Detach: false, Tty: false }, signal });
  const kept: Buffer[] = [];
  let room = maxBytes;
  const frames = new FrameReader((payload) => {
    const part = payload.subarray(0, room);
    room -= part.length;
    if (part.length > 0) kept.push(Buffer.from(part));
  });
  for await (const chunk of answer as AsyncIterable<Buffer>) frames.push(chunk);
  return Buffer.concat(kept).toString();
}

async function exitCode(exec: Docker.Exec, signal: AbortSignal): Promise<number> {
  for (const pause of EXIT_CODE_PAUSES_MS) {
    if (pause > 0) await sleep(pause, undefined, { signal });
    const { Running: running, ExitCode: code } = (await exec.inspect({ abortSignal: signal })) as { Running: boolean; ExitCode: number | null };
    if (!running && code !== null) return code;
  }
  throw new KmError('timeout', 'the Docker Engine does not tell how the command ended');
}

/**
 * Kills what an abandoned exec left running: Docker has no call for it, and commands that hang would pile up in the container
 * (kubernetes/kubernetes#94080). Only a process that is in the container's cgroup is touched; `exec` made it the leader of
 * its own session, so that its children go with it.
 */
async function killExec(exec: Docker.Exec, containerId: string): Promise<void> {
  try {
    const { Pid: pid, Running: running } = (await exec.inspect({ abortSignal: AbortSignal.timeout(5_000) })) as { Pid: number; Running: boolean };
    if (!running || pid <= 1) return;
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    if (cgroup.includes(containerId)) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself, or it is not ours to reach; the command's own failure is what counts.
  }
}
