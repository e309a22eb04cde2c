import type { Duplex } from 'node:stream';
import { type Clock, isCode, KmError, messageOf } from '../../base/index.ts';
import type { Engine } from '../../docker/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { CommandEnd, CommandStreams, ContainerRef, Containers, LogOptions } from '../contract.ts';
import { limited } from './limited.ts';
import { logContainerId } from './log-container.ts';
import type { NodePod, NodePods } from './node-pods.ts';
import { PodDialer } from './pod-dialer.ts';

export interface NodeContainersOptions {
  readonly engine: Engine;
  readonly pods: NodePods;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The program that connects into pods' networks, built from `docker/dial`; found beside the sources unless told. */
  readonly dialProgram?: string;
}

/** The containers of this node for requests of the API. Owns the process that connects into pods' networks: `close` ends it. */
export class NodeContainers implements Containers {
  readonly #options: NodeContainersOptions;
  readonly #dialer: PodDialer;

  constructor(options: NodeContainersOptions) {
    this.#options = options;
    this.#dialer = new PodDialer({ ...options, logger: options.logger.child({ part: 'port-forward' }) });
  }

  find(namespace: string, pod: string, uid: string | undefined, container: string): ContainerRef {
    const found = this.#pod(namespace, pod, uid);
    const running = found.observed.containers.find(({ name, state }) => name === container && state === 'running');
    if (running === undefined) throw new KmError('not-found', `container not found (${JSON.stringify(container)})`);
    const { containers, initContainers = [], ephemeralContainers = [] } = found.pod.spec;
    const spec = [...containers, ...initContainers, ...ephemeralContainers].find(({ name }) => name === container);
    return { id: running.id, name: container, namespace, pod, uid: found.pod.metadata.uid, tty: spec?.tty === true, stdin: spec?.stdin === true };
  }

  async exec(container: ContainerRef, command: readonly string[], tty: boolean, streams: CommandStreams): Promise<CommandEnd> {
    try {
      return { kind: 'exit', code: await this.#options.engine.execute(container.id, { command, tty }, streams) };
    } catch (error) {
      return { kind: 'failed', message: messageOf(error) };
    }
  }

  async attach(container: ContainerRef, streams: CommandStreams): Promise<CommandEnd> {
    try {
      await this.#options.engine.attach(container.id, container.tty, streams);
      return { kind: 'exit', code: 0 };
    } catch (error) {
      return { kind: 'failed', message: messageOf(error) };
    }
  }

  async logs(namespace: string, pod: string, container: string, options: LogOptions, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const id = logContainerId(this.#pod(namespace, pod, undefined), container, options.previous);
    const { follow, timestamps, tailLines, sinceSeconds, sinceTime, limitBytes } = options;
    // No log is older than the epoch, and far before it there are no dates.
    const sinceMs = sinceTime ?? (sinceSeconds === undefined ? undefined : Math.max(0, this.#options.clock.now() - sinceSeconds * 1000));
    const range = { follow, timestamps, ...(tailLines !== undefined && { tailLines }), ...(sinceMs !== undefined && { sinceMs }) };
    const log = await this.#options.engine.readLog(id, range, signal).catch((error: unknown) => {
      throw isCode(error, 'not-found') ? new KmError('invalid', `unable to retrieve container logs for docker://${id}`, { cause: error }) : error;
    });
    return limitBytes === undefined ? log : limited(log, limitBytes);
  }

  async dial(namespace: string, pod: string, uid: string | undefined, port: number, signal: AbortSignal): Promise<Duplex> {
    const sandbox = this.#pod(namespace, pod, uid).observed.sandboxes.find(({ state }) => state === 'running');
    if (sandbox === undefined) throw new KmError('not-found', `pod not found (${JSON.stringify(`${pod}_${namespace}`)})`);
    return this.#dialer.dial(sandbox, port, signal);
  }

  /** Ends what was started for port-forwarding, with its connections. */
  close(): void {
    this.#dialer.close();
  }

  #pod(namespace: string, name: string, uid: string | undefined): NodePod {
    const found = this.#options.pods.find(namespace, name);
    if (found !== undefined && (uid === undefined || uid === '' || found.pod.metadata.uid === uid)) return found;
    throw new KmError('not-found', `pod ${JSON.stringify(name)} does not exist`);
  }
}
