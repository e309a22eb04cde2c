import type { Agent } from 'node:http';
import type Docker from 'dockerode';
import { KmError, systemClock, TimeLimit } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { chooseApiVersion } from './api-version.ts';
import type { ContainerConfig } from './create-body.ts';
import { engineHost, type EngineHost } from './engine-host.ts';
import { noAnswer, translateError, type EngineCall } from './engine-error.ts';
import type {
  ContainerSummary,
  Engine,
  EngineEvent,
  EngineInfo,
  EngineOptions,
  EventsOptions,
  ExecOptions,
  ExecResult,
  ImageInfo,
  InspectedContainer,
  PullOptions,
} from './engine.ts';
import { attach } from './attach.ts';
import { ask } from './dial.ts';
import { events } from './events.ts';
import { exec } from './exec.ts';
import { execute, type EngineAccess } from './execute.ts';
import { imageInfo, inspectedContainer, engineInfo } from './from-docker.ts';
import { loadDockerode } from './load-dockerode.ts';
import type { CommandToRun, LogRange, ProcessStreams } from './process-streams.ts';
import { pull } from './pull.ts';
import { readLog } from './read-log.ts';
import { tailLog } from './tail-log.ts';

/** Statuses that mean "it is so already". */
const NOT_MODIFIED = 304;
const GONE = 404;
const NOT_RUNNING = 409;

/** Longest call, milliseconds (kubelet: --runtime-request-timeout). */
const REQUEST_TIMEOUT_MS = 120_000;
/** And for what the Engine answers out of its memory, without a look at any container (Kubernetes v1.20 pkg/kubelet/kubelet.go maxWaitForContainerRuntime). */
const LOOK_TIMEOUT_MS = 30_000;

/** `Engine` over dockerode. Between awaits: `#docker` is set once the version is agreed upon, or being agreed upon. */
export class DockerodeEngine implements Engine {
  readonly #host: EngineHost;
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  readonly #callMs: number;
  readonly #lookMs: number;
  #docker: Promise<Docker> | undefined;
  #apiVersion = '';

  constructor(options: EngineOptions) {
    this.#host = engineHost(options.host, options.tls);
    this.#logger = options.logger;
    this.#callMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#lookMs = Math.min(LOOK_TIMEOUT_MS, this.#callMs);
  }

  async info(signal?: AbortSignal): Promise<EngineInfo> {
    return this.#call('other', { signal, ms: this.#lookMs }, async (docker, { abortSignal }) => engineInfo(JSON.parse(await ask(docker, '/info', abortSignal)), this.#apiVersion, this.#host.isLocal));
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await this.#call('other', { signal, ms: this.#lookMs }, (docker, { abortSignal }) => ask(docker, '/_ping', abortSignal));
  }

  async list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ContainerSummary[]> {
    return this.#call('other', { signal, ms: this.#lookMs }, async (docker, abort) => {
      const found = await docker.listContainers({ all: true, filters: { label: labelFilter(labels) }, ...abort });
      return found.map((one) => ({
        id: one.Id,
        name: (one.Names[0] ?? '').replace(/^\//, ''),
        status: one.State,
        labels: one.Labels,
        createdAt: one.Created * 1000,
      }));
    });
  }

  async inspect(id: string, signal?: AbortSignal): Promise<InspectedContainer> {
    return this.#call('other', { signal }, async (docker, abort) => inspectedContainer(await docker.getContainer(id).inspect({ ...abort })));
  }

  async create(config: ContainerConfig, signal?: AbortSignal): Promise<string> {
    const { name, ...body } = config;
    return this.#call('create', { signal }, async (docker, abort) => {
      // Told apart, or dockerode puts the body, environment and all, into the URL too.
      const parts = { _query: { name }, _body: body, ...abort };
      return (await docker.createContainer(parts)).id;
    });
  }

  async start(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call('start', { signal }, (docker, abort) => allow([NOT_MODIFIED], docker.getContainer(id).start({ ...abort })));
  }

  async stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const t = Math.max(0, Math.ceil(graceSeconds));
    await this.#call('other', { signal, ms: t * 1000 + this.#callMs }, (docker, abort) => allow([NOT_MODIFIED, GONE], docker.getContainer(id).stop({ t, ...abort })));
  }

  async kill(id: string, signalName = 'SIGKILL', signal?: AbortSignal): Promise<void> {
    const kill = { signal: signalName };
    await this.#call('other', { signal }, (docker, abort) => allow([NOT_RUNNING, GONE], docker.getContainer(id).kill({ ...kill, ...abort })));
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    const how = { v: true, force: true };
    // 409: another removal of it is under way.
    await this.#call('other', { signal }, (docker, abort) => allow([NOT_RUNNING, GONE], docker.getContainer(id).remove({ ...how, ...abort })));
  }

  async wait(id: string, signal?: AbortSignal): Promise<number> {
    return this.#lasting('other', signal, async (docker) => {
      const answer = (await docker.getContainer(id).wait({ condition: 'not-running', ...(signal && { abortSignal: signal }) })) as { StatusCode: number };
      return answer.StatusCode;
    });
  }

  async image(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined> {
    return this.#call('other', { signal }, async (docker, { abortSignal }) => {
      const found = await allow([GONE], ask(docker, `/images/${checkedReference(reference)}/json`, abortSignal));
      return found === undefined ? undefined : imageInfo(JSON.parse(found) as Docker.ImageInspectInfo);
    });
  }

  async imageBytes(signal?: AbortSignal): Promise<number> {
    return this.#call('other', { signal, ms: this.#lookMs }, async (docker, { abortSignal }) => {
      const images = JSON.parse(await ask(docker, '/images/json', abortSignal)) as { readonly Size: number; readonly VirtualSize?: number }[];
      return images.reduce((sum, { Size, VirtualSize = Size }) => sum + VirtualSize, 0); // VirtualSize: up to API 1.43
    });
  }

  async pull(reference: string, options: PullOptions = {}): Promise<void> {
    await this.#lasting('pull', options.signal, (docker) => pull(docker, checkedReference(reference), options));
  }

  async exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    return this.#lasting('exec', options.signal, (docker) => exec(docker, id, command, { ...options, pidsAreLocal: this.#host.isLocal }));
  }

  async execute(id: string, what: CommandToRun, streams: ProcessStreams): Promise<number> {
    return this.#lasting('exec', streams.signal, async (docker) => execute(this.#access(docker), id, what, streams));
  }

  async attach(id: string, tty: boolean, streams: ProcessStreams): Promise<void> {
    await this.#lasting('other', streams.signal, async (docker) => attach(this.#access(docker), id, tty, streams));
  }

  async readLog(id: string, range: LogRange, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.#lasting('other', signal, async (docker) => readLog(this.#access(docker), id, range, signal));
  }

  async *events(options: EventsOptions): AsyncIterable<EngineEvent> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    try {
      yield* events(await untilAborted(this.#connected(), signal), { ...options, signal }, this.#lookMs);
    } catch (error) {
      if (options.signal.aborted) return;
      throw translateError(error, 'other');
    }
  }

  async tailLog(id: string, limit: { readonly lines: number; readonly bytes: number }, signal?: AbortSignal): Promise<string> {
    return this.#call('other', { signal, ms: this.#lookMs }, (docker, { abortSignal }) => tailLog(docker, id, limit, abortSignal));
  }

  close(): void {
    this.#closed.abort(new KmError('unavailable', 'the connections to the Docker Engine are closed'));
    this.#agent.destroy();
  }

  #access(docker: Docker): EngineAccess {
    return { docker, host: this.#host, apiVersion: this.#apiVersion, closed: this.#closed.signal };
  }

  get #agent(): Agent {
    return this.#host.agent;
  }

  /** Runs one call that the Engine has to answer within `ms`; `abort` goes into dockerode's options. */
  async #call<T>(
    call: EngineCall,
    { signal, ms = this.#callMs }: { readonly signal: AbortSignal | undefined; readonly ms?: number },
    run: (docker: Docker, abort: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    using limit = this.#limit(ms, signal);
    return await this.#lasting(call, limit.signal, (docker) => run(docker, { abortSignal: limit.signal }));
  }

  /** Runs one that lasts as long as a container or a user does. */
  async #lasting<T>(call: EngineCall, signal: AbortSignal | undefined, run: (docker: Docker) => Promise<T>): Promise<T> {
    try {
      this.#closed.signal.throwIfAborted();
      return await run(await untilAborted(this.#connected(), signal));
    } catch (error) {
      throw translateError(error, call, signal);
    }
  }

  #limit(ms: number, signal?: AbortSignal): TimeLimit {
    return new TimeLimit({ clock: systemClock, ms, sources: [signal, this.#closed.signal], late: () => noAnswer(ms) });
  }

  #connected(): Promise<Docker> {
    this.#docker ??= this.#negotiate().catch((error: unknown) => {
      this.#docker = undefined;
      throw error;
    });
    return this.#docker;
  }

  async #negotiate(): Promise<Docker> {
    const Dockerode = loadDockerode();
    using limit = this.#limit(this.#lookMs);
    const answer = await ask(new Dockerode(this.#host.options), '/version', limit.signal).catch((error: unknown) => {
      throw translateError(error, 'other', limit.signal);
    });
    const { Version, ApiVersion, MinAPIVersion } = JSON.parse(answer) as Record<string, string>;
    this.#apiVersion = chooseApiVersion({ newest: ApiVersion ?? '', oldest: MinAPIVersion ?? '' });
    this.#logger.debug('connected to the Docker Engine', { version: Version, apiVersion: this.#apiVersion });
    return new Dockerode({ ...this.#host.options, version: `v${this.#apiVersion}` });
  }
}

/** For what takes no signal itself: the answer that comes after the abort, or the failure, is nobody's. */
async function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  answer.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The reference becomes a part of a URL's path: nothing in it may lead elsewhere. Throws code `invalid` in Docker's words. */
function checkedReference(reference: string): string {
  if (/^[\w][\w./:@-]*$/.test(reference) && !reference.split('/').includes('..')) return reference;
  throw new KmError('invalid', `invalid reference format: "${reference}"`);
}

/** `undefined` when the Engine answers with one of these statuses. */
async function allow<T>(statuses: readonly number[], answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (statuses.includes((error as { statusCode?: number }).statusCode ?? 0)) return undefined;
    throw error;
  }
}

function labelFilter(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([key, value]) => (value === '' ? key : `${key}=${value}`));
}
