import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { DETACH_KEYS } from './detach-keys.ts';
import type { EngineHost } from './engine-host.ts';
import { exitCodeOf, signalExec } from './exec-process.ts';
import { joinStreams } from './join-streams.ts';
import type { CommandToRun, ProcessStreams } from './process-streams.ts';
import { hijack } from './raw-request.ts';
import { followSizes } from './resize.ts';

/** One connected Engine, as calls need it that go beside dockerode. */
export interface EngineAccess {
  readonly docker: Docker;
  readonly host: EngineHost;
  /** `1.41` */
  readonly apiVersion: string;
  /** Aborted when the Engine's connections are closed. */
  readonly closed: AbortSignal;
}

/**
 * Runs a command in a running container and resolves with its exit code. One that ends its outputs and goes on without them counts as ended well
 * after 10 s, as for the kubelet (Kubernetes v1.20 pkg/kubelet/dockershim/exec.go).
 */
export async function execute(engine: EngineAccess, containerId: string, { command, tty }: CommandToRun, streams: ProcessStreams): Promise<number> {
  const { docker, host, apiVersion, closed } = engine;
  const { stdin, stdout, stderr } = streams;
  const signal = AbortSignal.any([streams.signal, closed]);
  const wanted = { AttachStdin: stdin !== undefined, AttachStdout: stdout !== undefined, AttachStderr: stderr !== undefined, Tty: tty, DetachKeys: DETACH_KEYS };
  const exec = await docker.getContainer(containerId).exec({ Cmd: [...command], ...wanted, abortSignal: signal });
  // Not `signal`: a client that goes away must not close the connection before the command has been told.
  const socket = await hijack(host, { method: 'POST', path: `/v${apiVersion}/exec/${exec.id}/start`, body: { Detach: false, Tty: tty }, signal: closed });
  const ended = new AbortController();
  const sizes = followSizes(streams.resize, ({ width: w, height: h }) => exec.resize({ w, h, abortSignal: ended.signal }), ended.signal);
  try {
    await joinStreams(socket, tty, { ...streams, signal });
    return (await exitCodeOf(exec, signal)) ?? 0;
  } catch (error) {
    if (streams.signal.aborted) abandon(socket, tty, (name) => signalExec(exec, containerId, name));
    else socket.destroy();
    throw error;
  } finally {
    ended.abort();
    await sizes;
  }
}

/**
 * Nobody is at the other side any more. A terminal hangs up. Without one the command has seen the end of its input and may go on in silence,
 * as a job that was left alone; when it writes, it gets what a broken pipe gives: Docker itself would let it write to nowhere for ever.
 */
function abandon(socket: Duplex, tty: boolean, tell: (name: NodeJS.Signals) => Promise<void>): void {
  if (tty) {
    void tell('SIGHUP').finally(() => socket.destroy());
    return;
  }
  socket.once('data', () => {
    socket.pause();
    void tell('SIGPIPE').finally(() => socket.destroy());
  });
  socket.resume();
}
