import type Docker from 'dockerode';
import { KmError, systemClock } from '../base/index.ts';
import { dialStream } from './dial.ts';
import type { ExecOptions, ExecResult } from './engine.ts';
import { exitCodeOf, signalExec } from './exec-process.ts';
import { FrameReader } from './frames.ts';

/** As much of a probe's output as the kubelet keeps (Kubernetes v1.20 pkg/probe/exec/exec.go). */
const MAX_OUTPUT_BYTES = 10 * 1024;

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
    if (started !== undefined && options.pidsAreLocal) await signalExec(started, containerId, 'SIGKILL');
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
  const code = await exitCodeOf(exec, signal);
  if (code === undefined) throw new KmError('timeout', 'the Docker Engine does not tell how the command ended');
  return code;
}
