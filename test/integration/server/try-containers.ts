import { PassThrough } from 'node:stream';
import { systemClock } from '../../../src/base/index.ts';
import { observe } from '../../../src/docker/index.ts';
import { podStatus, type Container, type ObservedContainer, type ValidPod } from '../../../src/pod/index.ts';
import { NodeContainers, type CommandEnd, type CommandStreams, type ContainerRef, type NodePod } from '../../../src/server/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';
import { TryEngine } from '../docker/try-engine.ts';

/** `NodeContainers` over containers of a test, without the rest of an executor. */
export class TryContainers implements AsyncDisposable {
  readonly us = new TryEngine();
  readonly pods = new Map<string, NodePod>();
  readonly containers = new NodeContainers({ engine: this.us.engine, clock: systemClock, logger: silentLogger, pods: { find: (namespace, name) => this.pods.get(`${namespace}/${name}`) } });

  /** A pod with one started container; what is known of it is as it is now. */
  async start(container: Partial<Container>, spec: Partial<ValidPod['spec']> = {}, more: Parameters<TryEngine['config']>[3] = {}): Promise<ContainerRef> {
    const main: Container = { name: 'main', image: 'busybox', ...container };
    const pod = this.us.pod({ containers: [main], ...spec });
    const sandboxId = await this.us.sandbox(pod);
    const id = await this.us.engine.create(this.us.config(pod, sandboxId, container, more));
    await this.us.engine.start(id);
    await this.look(pod, [sandboxId, id]);
    const { name, namespace, uid } = pod.metadata;
    return { id, name: main.name, namespace, pod: name, uid, tty: main.tty === true, stdin: main.stdin === true };
  }

  /** Tells `containers` what Docker says of them now. */
  async look(pod: ValidPod, ids: readonly string[]): Promise<void> {
    const all = (await Promise.all(ids.map(async (id) => observe(await this.us.engine.inspect(id))))) as ObservedContainer[];
    const observed = { uid: pod.metadata.uid, sandboxes: all.filter(({ kind }) => kind === 'sandbox'), containers: all.filter(({ kind }) => kind === 'container') };
    const nothing = new Map<string, boolean>();
    const probes = { readiness: nothing, liveness: nothing, startup: nothing };
    const status = podStatus({ pod, observed, probes, waiting: new Map(), now: Date.now(), acceptedAt: Date.now(), hostIP: '127.0.0.1', restartCounts: new Map(), terminating: false });
    this.pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, { pod, status, observed });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.containers.close();
    await this.us[Symbol.asyncDispose]();
  }
}

/** A client at the other side of a command, that keeps what it gets. */
export class TryClient {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly gone = new AbortController();
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];

  constructor() {
    this.stdout.on('data', (chunk: Buffer) => this.#out.push(chunk));
    this.stderr.on('data', (chunk: Buffer) => this.#err.push(chunk));
  }

  get out(): string {
    return Buffer.concat(this.#out).toString();
  }

  get err(): string {
    return Buffer.concat(this.#err).toString();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#out);
  }

  /** Only what it asks for: `oe` is output and errors without input. */
  streams(wanted: string, resize?: CommandStreams['resize']): CommandStreams {
    return {
      signal: this.gone.signal,
      ...(wanted.includes('i') && { stdin: this.stdin }),
      ...(wanted.includes('o') && { stdout: this.stdout }),
      ...(wanted.includes('e') && { stderr: this.stderr }),
      ...(resize !== undefined && { resize }),
    };
  }
}

export const exit = (code: number): CommandEnd => ({ kind: 'exit', code });
