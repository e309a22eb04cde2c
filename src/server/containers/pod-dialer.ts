import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { aborted, type Clock, isCode, KmError, messageOf } from '../../base/index.ts';
import type { Engine, InspectedContainer } from '../../docker/index.ts';
import type { ObservedContainer } from '../../pod/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { DialProcess } from './dial-process.ts';
import { dialThrough, refused } from './dial-request.ts';

/** Made by set-up from docker/dial. */
const PROGRAM = fileURLToPath(new URL('../../../build/dial', import.meta.url));

/** The program ends when nobody has had a connection for so long, milliseconds. */
const IDLE_MS = 60_000;

export interface PodDialerOptions {
  readonly engine: Pick<Engine, 'inspect'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dialProgram?: string;
}

/**
 * Connects to ports inside the networks of pods. Node cannot enter a network namespace, so a small program of ours does (`docker/dial`), one process for the
 * whole node, started at the first connection: nothing is needed in the image, nothing else on the host, and a server that
 * listens on 127.0.0.1 only is reached. Beside it: an exec of a helper in the sandbox costs Docker 50 ms and more a connection; to
 * connect to the pod's address from here misses 127.0.0.1; the kubelet's nsenter and socat are two packages on the host.
 *
 * Where that program cannot work (an Engine on another machine, no right to enter) the pod's address is what remains.
 *
 * Between awaits: `#open` counts connections and attempts; while it is above 0 no idle timer runs.
 */
export class PodDialer {
  readonly #options: PodDialerOptions;
  #process: Promise<DialProcess> | undefined;
  #open = 0;
  #cancelIdle: (() => void) | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #closed = new AbortController();

  constructor(options: PodDialerOptions) {
    this.#options = options;
  }

  /** Code `not-found` when nobody listens or the sandbox does not run. */
  async dial({ id: sandboxId, ips = [] }: Pick<ObservedContainer, 'id' | 'ips'>, port: number, signal: AbortSignal): Promise<Duplex> {
    const own = AbortSignal.any([signal, this.#closed.signal]);
    const inspected = await this.#options.engine.inspect(sandboxId, own);
    const sandbox = inspected.ips.length > 0 ? inspected : { ...inspected, ips }; // the Engine knows only addresses that it gave
    if (!sandbox.running) throw new KmError('not-found', `container not running (${sandboxId})`);
    this.#begin();
    try {
      const socket = (await runsHere(sandbox)) ? await this.#inside(sandbox, port, own) : await fromOutside(sandbox, port, own);
      this.#keep(socket);
      return socket;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  close(): void {
    this.#closed.abort();
    this.#cancelIdle?.();
    for (const socket of this.#sockets) socket.destroy();
    this.#stopProcess();
  }

  async #inside(sandbox: InspectedContainer, port: number, signal: AbortSignal): Promise<Socket> {
    try {
      const { path } = await (this.#process ??= this.#start());
      return await dialThrough(path, { pid: sandbox.pid, port, ip: sandbox.ips[0] }, signal);
    } catch (error) {
      if (!isCode(error, 'unavailable') || signal.aborted) throw error;
      this.#options.logger.warn('cannot connect inside the network of a pod, trying its address', { error: messageOf(error) });
      return fromOutside(sandbox, port, signal);
    }
  }

  #start(): Promise<DialProcess> {
    const started = DialProcess.start(this.#options.dialProgram ?? PROGRAM);
    const forget = (): void => {
      if (this.#process === started) this.#process = undefined;
    };
    started.then(({ ended }) => ended.then(forget), forget);
    return started;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#end();
    });
  }

  #begin(): void {
    this.#open++;
    this.#cancelIdle?.();
  }

  #end(): void {
    if (--this.#open === 0 && !this.#closed.signal.aborted) this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => this.#stopProcess());
  }

  #stopProcess(): void {
    const process = this.#process;
    this.#process = undefined;
    process?.then((one) => one[Symbol.dispose](), () => undefined);
  }
}

/** Whether its process is one of this machine, and still that one. */
async function runsHere({ id, pid }: InspectedContainer): Promise<boolean> {
  return readFile(`/proc/${pid}/cgroup`, 'utf8').then((text) => text.includes(id), () => false);
}

/** To the pod's address; with the host's network that is the node itself. */
function fromOutside({ ips, networkMode }: InspectedContainer, port: number, signal: AbortSignal): Promise<Socket> {
  const host = ips[0] ?? (networkMode === 'host' ? '127.0.0.1' : undefined);
  if (host === undefined) throw new KmError('not-found', 'the pod has no address');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const onAbort = (): void => void socket.destroy(aborted(signal));
    const onError = (error: Error & { code?: string }): void => {
      signal.removeEventListener('abort', onAbort);
      reject(error instanceof KmError ? error : refused(port, error.code === 'ECONNREFUSED' ? 'connection refused' : error.message, error));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
