import { Backoff, type Clock, isCode, KmError, messageOf, sleep } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import type { Engine, EngineInfo } from '../docker/index.ts';
import { type ClusterAccess, KubernetesClient } from '../kubernetes/index.ts';
import type { PodRuntime } from '../runtime/index.ts';
import type { HealthCheck } from '../server/index.ts';
import type { Logger, Metrics } from '../telemetry/index.ts';
import { kubeletConfiguration } from './kubelet-configuration.ts';

/** Requests a second, and at once, that strangers at our port may cost the Kubernetes API. Statuses and leases go by another client. */
const REVIEWS = { qps: 20, burst: 40 };

/** What `/logs/` serves. */
const SYSTEM_LOGS = '/var/log';

/** After so long without the Engine healthz fails, milliseconds (kubelet: sync loop older than 5 min). */
const ENGINE_AWAY_MS = 300_000;

export interface ServedApiOptions {
  readonly config: ExecutorConfig;
  readonly nodeName: string;
  readonly hostIP: string;
  /** How to reach the Kubernetes API; absent: none. */
  readonly access: ClusterAccess | undefined;
  readonly engine: Engine;
  readonly engineInfo: EngineInfo;
  readonly metrics: Metrics;
  readonly runtime: PodRuntime;
  /** Since when the Engine does not answer, as the clock's `elapsed` has it. */
  readonly engineAwaySince: () => number | undefined;
  /** The API listens there from now on. */
  readonly onPort: (port: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Part {
  stop(): Promise<void>;
}

/**
 * The node's API and healthz of this executor. Nothing of them is loaded before the executor is subscribed, and a port that is taken or a certificate that cannot be
 * used keeps no pod from running: it is tried again until it works.
 */
export class ServedApi {
  readonly #options: ServedApiOptions;
  readonly #stop = new AbortController();
  readonly #parts: Part[] = [];
  #starting: Promise<unknown> | undefined;

  constructor(options: ServedApiOptions) {
    this.#options = options;
  }

  /** Resolves when both listen, or have failed for the first time. */
  async start(): Promise<void> {
    if (this.#starting !== undefined) return;
    const [api, healthz] = [new FirstTry(), new FirstTry()];
    this.#starting = Promise.all([this.#persist("the node's API", api, () => this.#api()), this.#persist('healthz', healthz, () => this.#healthz())]);
    await Promise.all([api.over, healthz.over]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#starting;
    await Promise.all(this.#parts.map((part) => part.stop()));
  }

  async #api(): Promise<void> {
    const { config, nodeName, hostIP, access, engine, engineInfo, runtime, metrics, clock, logger, onPort } = this.#options;
    const { clientCaFile, tlsCertFile, tlsPrivateKeyFile } = config;
    if (access === undefined && clientCaFile === undefined) {
      logger.info("the node's API is off: without a Kubernetes API or --client-ca-file nobody can prove who he is");
      return;
    }
    const { NodeContainers, startNodeApi } = await import('../server/index.ts');
    const client = access === undefined ? undefined : new KubernetesClient({ access, logger, ...REVIEWS, onRequest: (request) => metrics.askedApi(request) });
    const containers = new NodeContainers({ engine, pods: runtime, clock, logger });
    const release = async (): Promise<void> => {
      containers.close();
      await client?.close();
    };
    try {
      const api = await startNodeApi({
        https: { address: config.address, port: config.port },
        nodeName,
        names: [nodeName],
        addresses: [hostIP],
        ...(tlsCertFile !== undefined && tlsPrivateKeyFile !== undefined && { certificateFiles: { cert: tlsCertFile, key: tlsPrivateKeyFile } }),
        rotateServerCertificates: config.rotateServerCertificates,
        streamIdleTimeoutMs: config.streamingConnectionIdleTimeoutMs,
        ...(clientCaFile !== undefined && { clientCaFile }),
        ...(client !== undefined && { client }),
        pods: runtime,
        containers,
        engine,
        engineInfo,
        rootDir: config.rootDir,
        systemLogs: { enabled: config.enableSystemLogHandler, directory: SYSTEM_LOGS, linked: [config.podLogsDir, `${engineInfo.rootDir}/containers`] },
        metrics,
        kubeletConfig: () => kubeletConfiguration(config),
        checks: [this.#syncLoop()],
        clock,
        logger,
      });
      this.#parts.push({ stop: () => api.stop().then(release) });
      logger.info("the node's API is up", { address: config.address, port: api.port });
      onPort(api.port);
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #healthz(): Promise<void> {
    const { config, clock, logger } = this.#options;
    if (config.healthzPort === 0) return;
    const { HealthzServer, healthRoutes } = await import('../server/index.ts');
    const server = new HealthzServer({ listening: { address: config.healthzBindAddress, port: config.healthzPort }, routes: healthRoutes([this.#syncLoop()]), clock, logger });
    await server.start();
    this.#parts.push(server);
  }

  #syncLoop(): HealthCheck {
    const { engineAwaySince, clock } = this.#options;
    const check = (): void => {
      const since = engineAwaySince();
      if (since !== undefined && clock.elapsed() - since > ENGINE_AWAY_MS) throw new KmError('unavailable', 'sync Loop took longer than expected');
    };
    return { name: 'syncloop', check };
  }

  /** Never rejects. */
  async #persist(what: string, first: FirstTry, work: () => Promise<void>): Promise<void> {
    const { clock, logger } = this.#options;
    const backoff = new Backoff({ initialMs: 1000, maxMs: 30_000 });
    while (!this.#stop.signal.aborted) {
      try {
        await work();
        break;
      } catch (error) {
        const level = isCode(error, 'conflict', 'invalid', 'unavailable') ? 'warn' : 'error';
        logger[level](`${what} is not served yet, trying again`, { error: messageOf(error) });
        first.done();
        await sleep(clock, backoff.next(), this.#stop.signal).catch(() => undefined);
      }
    }
    first.done();
  }
}

/** Told once, when the first try is over. */
class FirstTry {
  readonly #settled = Promise.withResolvers<void>();
  readonly over = this.#settled.promise;

  done(): void {
    this.#settled.resolve();
  }
}
