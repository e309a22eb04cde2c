import { KmError, messageOf, type Clock } from '../base/index.ts';
import type { Service } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import { watchResource } from './watch.ts';
import { within } from './within.ts';

export interface ServiceCacheOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long `services` waits for the first answer of the API, milliseconds; 2 s unless told. */
  readonly waitMs?: number;
}

const WAIT_MS = 2_000;
/** The API server itself, as pods reach it (Kubernetes v1.20 pkg/kubelet: masterServices, in the default namespace). */
const MASTER = { namespace: 'default', name: 'kubernetes' };

/** One watch on services. */
interface Watched {
  readonly services: Map<string, Service>;
  readonly synced: PromiseWithResolvers<void>;
  readonly watching: Promise<void>;
  failure: unknown;
}

/**
 * The services whose addresses pods get as variables. Nothing is asked for before a pod needs it: one watch on the API server's own
 * service for pods without service links, one on all services once a pod with them comes. Of a service only what becomes variables is kept.
 */
export class ServiceCache {
  readonly #options: ServiceCacheOptions;
  readonly #stop = new AbortController();
  #master: Watched | undefined;
  #all: Watched | undefined;

  constructor(options: ServiceCacheOptions) {
    this.#options = options;
  }

  /** Begins to look, so that `services` has less to wait for. */
  expect(links: boolean): void {
    this.#watched(links);
  }

  /**
   * The services a pod may get variables of: all, or with `links` false perhaps only the API server's own. Throws code `unavailable` when
   * the API has not told of them in time, `aborted` when `signal` aborts.
   */
  async services(links: boolean, signal: AbortSignal): Promise<readonly Service[]> {
    const watched = this.#watched(links);
    if (!(await within(this.#options.clock, this.#options.waitMs ?? WAIT_MS, watched.synced.promise, signal))) {
      const why = watched.failure === undefined ? '' : `: ${messageOf(watched.failure)}`;
      throw new KmError('unavailable', `services have not yet been read at least once, cannot construct envvars${why}`);
    }
    return [...watched.services.values()];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#master?.watching, this.#all?.watching]);
  }

  #watched(links: boolean): Watched {
    if (this.#all !== undefined || links) return (this.#all ??= this.#watch());
    return (this.#master ??= this.#watch(MASTER));
  }

  #watch(only?: { namespace: string; name: string }): Watched {
    const services = new Map<string, Service>();
    const synced = Promise.withResolvers<void>();
    const { client, clock, logger } = this.#options;
    const watching = watchResource<Service>({
      client,
      clock,
      logger,
      resource: { apiVersion: 'v1', resource: 'services', ...(only !== undefined && { namespace: only.namespace }) },
      ...(only !== undefined && { fieldSelector: `metadata.name=${only.name}` }),
      signal: this.#stop.signal,
      onList: (items) => {
        services.clear();
        for (const service of items) keep(services, service);
        watched.failure = undefined;
        synced.resolve();
      },
      onEvent: (type, service) => {
        if (type === 'DELETED') services.delete(keyOf(service));
        else keep(services, service);
      },
      onError: (error) => {
        watched.failure = error;
      },
    });
    const watched: Watched = { services, synced, watching, failure: undefined };
    return watched;
  }
}

const keyOf = ({ metadata }: Service): string => `${metadata?.namespace}/${metadata?.name}`;

/** A service without an address of its own gives no variables. */
function keep(services: Map<string, Service>, service: Service): void {
  const { clusterIP = '', ports = [] } = service.spec ?? {};
  const { name, namespace } = service.metadata ?? {};
  if (clusterIP === '' || clusterIP === 'None' || name === undefined || namespace === undefined) {
    services.delete(keyOf(service));
    return;
  }
  const kept = ports.map((port) => ({ port: port.port, ...(port.name !== undefined && { name: port.name }), ...(port.protocol !== undefined && { protocol: port.protocol }) }));
  services.set(keyOf(service), { metadata: { name, namespace }, spec: { clusterIP, ports: kept } });
}
