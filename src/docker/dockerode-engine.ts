import type { Agent } from 'node:http';
import type Docker from 'dockerode';
import { KmError } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { chooseApiVersion } from './api-version.ts';
import type { ContainerConfig } from './create-body.ts';
import { engineHost, type EngineHost } from './engine-host.ts';
import { translateError, type EngineCall } from './engine-error.ts';
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
import { events } from './events.ts';
import { exec } from './exec.ts';
import { execute, type EngineAccess } from './execute.ts';
import { imageInfo, inspectedContainer, engineInfo } from './from-docker.ts';
import { loadDockerode } from './load-dockerode.ts';
import type { AttachedProcess, CommandToRun, LogRange, ProcessStreams } from './process-streams.ts';
import { pull } from './pull.ts';
import { readLog } from './read-log.ts';
import { tailLog } from './tail-log.ts';

/** Statuses that mean "it is so already". */
const NOT_MODIFIED = 304;
const GONE = 404;
const NOT_RUNNING = 409;

/** `Engine` over dockerode. Between awaits: `#docker` is set once the version is agreed upon, or being agreed upon. */
export class DockerodeEngine implements Engine {
  readonly #host: EngineHost;
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  #docker: Promise<Docker> | undefined;
  #apiVersion = '';

  constructor(options: EngineOptions) {
    this.#host = engineHost(options.host, options.tls);
    this.#logger = options.logger;
  }

  async info(signal?: AbortSignal): Promise<EngineInfo> {
    return this.#call('other', signal, async (docker) => engineInfo(await untilAborted(docker.info(), signal), this.#apiVersion, this.#host.isLocal));
  }

  async list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ContainerSummary[]> {
    return this.#call('other', signal, async (docker, abort) => {
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
    return this.#call('other', signal, async (docker, abort) => inspectedContainer(await docker.getContainer(id).inspect({ ...abort })));
  }

  async create(config: ContainerConfig, signal?: AbortSignal): Promise<string> {
    const { name, ...body } = config;
    return this.#call('create', signal, async (docker, abort) => {
      // Told apart, or dockerode puts the body, environment and all, into the URL too.
      const parts = { _query: { name }, _body: body, ...abort };
      return (await docker.createContainer(parts)).id;
    });
  }

  async start(id: string, signal?: AbortSignal): Promise<void> {
    await this.#call('start', signal, (docker, abort) => allow([NOT_MODIFIED], docker.getContainer(id).start({ ...abort })));
  }

  async stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    const t = Math.max(0, Math.ceil(graceSeconds));
    await this.#call('other', signal, (docker, abort) => allow([NOT_MODIFIED, GONE], docker.getContainer(id).stop({ t, ...abort })));
  }

  async kill(id: string, signalName = 'SIGKILL', signal?: AbortSignal): Promise<void> {
    const kill = { signal: signalName };
    await this.#call('other', signal, (docker, abort) => allow([NOT_RUNNING, GONE], docker.getContainer(id).kill({ ...kill, ...abort })));
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    const how = { v: true, force: true };
    // 409: another removal of it is under way.
    await this.#call('other', signal, (docker, abort) => allow([NOT_RUNNING, GONE], docker.getContainer(id).remove({ ...how, ...abort })));
  }

  async wait(id: string, signal?: AbortSignal): Promise<number> {
    return this.#call('other', signal, async (docker, abort) => {
      const answer = (await docker.getContainer(id).wait({ condition: 'not-running', ...abort })) as { StatusCode: number };
      return answer.StatusCode;
    });
  }

  async image(reference: string, signal?: AbortSignal): Promise<ImageInfo | undefined> {
    return this.#call('other', signal, async (docker) => {
      const found = await allow([GONE], untilAborted(docker.getImage(checkedReference(reference)).inspect(), signal));
      return found === undefined ? undefined : imageInfo(found);
    });
  }

  async pull(reference: string, options: PullOptions = {}): Promise<void> {
    await this.#call('pull', options.signal, (docker) => pull(docker, checkedReference(reference), options));
  }

  async exec(id: string, command: readonly string[], options: ExecOptions): Promise<ExecResult> {
    return this.#call('exec', options.signal, (docker) => exec(docker, id, command, { ...options, pidsAreLocal: this.#host.isLocal }));
  }

  async execute(id: string, what: CommandToRun, streams: ProcessStreams): Promise<number> {
    return this.#call('exec', streams.signal, async (docker) => execute(this.#access(docker), id, what, streams));
  }

  async attach(id: string, process: AttachedProcess, streams: ProcessStreams): Promise<void> {
    await this.#call('other', streams.signal, async (docker) => attach(this.#access(docker), id, process, streams));
  }

  async readLog(id: string, range: LogRange, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.#call('other', signal, async (docker) => readLog(this.#access(docker), id, range, signal));
  }

  async *events(options: EventsOptions): AsyncIterable<EngineEvent> {
    const signal = AbortSignal.any([options.signal, this.#closed.signal]);
    try {
      yield* events(await untilAborted(this.#connected(), signal), { ...options, signal });
    } catch (error) {
      if (options.signal.aborted) return;
      throw translateError(error, 'other');
    }
  }

  async tailLog(id: string, limit: { readonly lines: number; readonly bytes: number }, signal?: AbortSignal): Promise<string> {
    return this.#call('other', signal, (docker) => tailLog(docker, id, limit, signal));
  }

  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  #access(docker: Docker): EngineAccess {
    return { docker, host: this.#host, apiVersion: this.#apiVersion, closed: this.#closed.signal };
  }

  get #agent(): Agent {
    return this.#host.agent;
  }

  /** Runs one call; `abort` goes into dockerode's options. */
  async #call<T>(
    call: EngineCall,
    signal: AbortSignal | undefined,
    run: (docker: Docker, abort: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    try {
      const docker = await untilAborted(this.#connected(), signal);
      return await run(docker, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      throw translateError(error, call, signal);
    }
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
    const { Version, ApiVersion, MinAPIVersion } = (await new Dockerode(this.#host.options).version()) as unknown as Record<string, string>;
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
