import { readdirSync, readFileSync } from 'node:fs';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Go's default buckets, seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** From milliseconds to minutes: how far behind something is. */
const LAG = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** As client-go's: each twice the one before. */
const REQUEST_SECONDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512];

/** As long as a mount may take. */
const STORAGE_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];
/** From a minute to four years, as the kubelet's. */
const CERTIFICATE_AGE = [60, 3600, 14_400, 86_400, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000, 124_416_000];

/** A request to the Kubernetes API; the URL without names and values, `seconds` absent for a watch. */
export interface ApiRequest {
  readonly method: string;
  readonly host: string;
  readonly url: string;
  readonly code: string;
  readonly seconds?: number;
}

/** Whose probe it was. */
export interface ProbeLabels {
  readonly probe_type: string;
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly pod_uid: string;
}

/** A value at the moment at which somebody reads. */
export interface Observed {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * What the executor counts of itself: the kubelet's names where the thing is the same (Kubernetes v1.20 pkg/kubelet/metrics), `km_mesos_` for what
 * only we have. Counting is an addition; everything else is computed while somebody reads.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #probes = new Registry();
  readonly #probeSeries = new Map<string, Set<string>>();

  readonly runtimeOperations = this.#counter('kubelet_runtime_operations_total', 'Cumulative number of runtime operations by operation type.', ['operation_type']);
  readonly runtimeErrors = this.#counter('kubelet_runtime_operations_errors_total', 'Cumulative number of runtime operation errors by operation type.', ['operation_type']);
  readonly runtimeDuration = this.#histogram('kubelet_runtime_operations_duration_seconds', 'Duration in seconds of runtime operations. Broken down by operation type.', SECONDS, ['operation_type']);
  readonly podStart = this.#histogram('kubelet_pod_start_duration_seconds', 'Duration in seconds for a single pod to go from pending to running.', SECONDS);
  readonly podWorker = this.#histogram('kubelet_pod_worker_duration_seconds', 'Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync', SECONDS, ['operation_type']);
  readonly #relist = this.#histogram('kubelet_pleg_relist_duration_seconds', 'Duration in seconds for relisting pods in PLEG.', SECONDS);
  readonly #relistInterval = this.#histogram('kubelet_pleg_relist_interval_seconds', 'Interval in seconds between relisting in PLEG.', SECONDS);
  readonly #relisted = this.#gauge('kubelet_pleg_last_seen_seconds', 'Timestamp in seconds when PLEG was last seen active.', []);
  #relistedAt: number | undefined;
  readonly httpRequests = this.#counter('kubelet_http_requests_total', 'Number of the http requests received since the server started', ['method', 'path', 'server_type', 'long_running']);
  readonly httpInflight = this.#gauge('kubelet_http_inflight_requests', 'Number of the inflight http requests', ['method', 'path', 'server_type', 'long_running']);
  readonly httpDuration = this.#histogram('kubelet_http_requests_duration_seconds', 'Duration in seconds to serve http requests', SECONDS, ['method', 'path', 'server_type', 'long_running']);
  readonly #apiRequests = this.#counter('rest_client_requests_total', 'Number of HTTP requests, partitioned by status code, method, and host.', ['code', 'method', 'host']);
  readonly #apiDuration = this.#histogram('rest_client_request_duration_seconds', 'Request latency in seconds. Broken down by verb and URL.', REQUEST_SECONDS, ['verb', 'url']);
  readonly #storageDuration = this.#histogram('storage_operation_duration_seconds', 'Storage operation duration', STORAGE_SECONDS, ['volume_plugin', 'operation_name']);
  readonly #storageErrors = this.#counter('storage_operation_errors_total', 'Storage operation errors', ['volume_plugin', 'operation_name']);
  readonly #storageStatus = this.#counter('storage_operation_status_count', 'Storage operation return statuses count', ['volume_plugin', 'operation_name', 'status']);
  readonly renewErrors = this.#counter('kubelet_server_expiration_renew_errors', 'Counter of certificate renewal errors.', []);
  readonly rotation = this.#histogram('kubelet_certificate_manager_server_rotation_seconds', 'Histogram of the number of seconds the previous certificate lived before being rotated.', CERTIFICATE_AGE);
  readonly updates = this.#counter('km_mesos_updates_total', 'Status updates of tasks made for the Mesos agent.', ['state']);
  readonly reconnects = this.#counter('km_mesos_reconnects_total', 'Subscriptions with the Mesos agent after the first one.', []);
  readonly eventLag = this.#histogram('km_mesos_engine_event_lag_seconds', "From an event's time by the Engine's clock to its arrival.", LAG);
  readonly statusLag = this.#histogram('km_mesos_status_lag_seconds', 'From a change of a status to its acknowledgement by the Mesos agent (mesos) or the Kubernetes API (kubernetes).', LAG, ['side']);
  readonly #probeTotal = new Counter({
    name: 'prober_probe_total',
    help: 'Cumulative number of a liveness, readiness or startup probe for a container by result.',
    labelNames: ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'],
    registers: [this.#probes],
  });

  /** Values that are looked up while somebody reads; with labels each has all of `labelNames`. */
  observe(name: string, help: string, values: () => readonly Observed[] | Promise<readonly Observed[]>, labelNames: readonly string[] = []): void {
    lookedUp(this.#registry, { name, help, labelNames }, values);
  }

  /** A relist began and was over, milliseconds since the epoch. */
  relistWas(began: number, over: number): void {
    this.#relist.observe((over - began) / 1000);
    if (this.#relistedAt !== undefined) this.#relistInterval.observe(Math.max(0, began - this.#relistedAt) / 1000);
    this.#relistedAt = began;
    this.#relisted.set(over / 1000);
  }

  /** The Kubernetes API was asked. */
  askedApi({ method, host, url, code, seconds }: ApiRequest): void {
    this.#apiRequests.inc({ code, method, host });
    if (seconds !== undefined) this.#apiDuration.observe({ verb: method, url }, seconds);
  }

  /** A volume was made, or could not be (Kubernetes v1.20 pkg/volume/util/metrics.go). */
  mounted(volume_plugin: string, seconds: number, ok: boolean): void {
    const labels = { volume_plugin, operation_name: 'volume_mount' };
    if (ok) this.#storageDuration.observe(labels, seconds);
    else this.#storageErrors.inc(labels);
    this.#storageStatus.inc({ ...labels, status: ok ? 'success' : 'fail-unknown' });
  }

  /** Another result of a probe: `successful`, `failed` or `unknown`. */
  probed(labels: ProbeLabels, result: string): void {
    const series = { ...labels, result };
    this.#probeTotal.inc(series);
    const known = this.#probeSeries.get(labels.pod_uid) ?? new Set<string>();
    this.#probeSeries.set(labels.pod_uid, known.add(JSON.stringify(series)));
  }

  /** The pod is gone, and its series with it. */
  forgetPod(uid: string): void {
    for (const series of this.#probeSeries.get(uid) ?? []) this.#probeTotal.remove(JSON.parse(series) as Record<string, string>);
    this.#probeSeries.delete(uid);
  }

  constructor() {
    const startedAt = Math.round((Date.now() - process.uptime() * 1000) / 10) / 100;
    for (const registry of [this.#registry, this.#probes]) {
      lookedUp(registry, { name: 'process_start_time_seconds', help: 'Start time of the process since unix epoch in seconds.', labelNames: [] }, () => [{ value: startedAt }]);
    }
    this.observe('process_resident_memory_bytes', 'Resident memory size in bytes.', () => [{ value: process.memoryUsage.rss() }]);
    this.observe('process_virtual_memory_bytes', 'Virtual memory size in bytes.', () => virtualMemory());
    this.observe('process_virtual_memory_max_bytes', 'Maximum amount of virtual memory available in bytes.', () => [{ value: limitOf('Max address space') ?? -1 }]);
    this.observe('process_open_fds', 'Number of open file descriptors.', () => [{ value: readdirSync('/proc/self/fd').length - 1 }]); // without that of the folder
    this.observe('process_max_fds', 'Maximum number of open file descriptors.', () => {
      const most = limitOf('Max open files');
      return most === undefined ? [] : [{ value: most }];
    });
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      registers: [this.#registry],
      collect() {
        const { user, system } = process.cpuUsage();
        this.reset();
        this.inc((user + system) / 1e6);
      },
    });
  }

  /** All but the probes, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  probesText(): Promise<string> {
    return this.#probes.metrics();
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: readonly string[] = []): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}

function virtualMemory(): Observed[] {
  const kilobytes = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return kilobytes === undefined ? [] : [{ value: Number(kilobytes) * 1024 }];
}

/** The soft limit of this process; `undefined`: none. */
function limitOf(name: string): number | undefined {
  const soft = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function lookedUp(registry: Registry, what: { name: string; help: string; labelNames: readonly string[] }, values: () => readonly Observed[] | Promise<readonly Observed[]>): void {
  new Gauge({
    ...what,
    registers: [registry],
    async collect() {
      const now = await values(); // another reader may come meanwhile: from here on nothing waits
      this.reset();
      if (now.length === 0 && what.labelNames.length === 0) this.remove(); // the 0 that a reset leaves where there are no labels
      for (const { labels = {}, value } of now) this.set({ ...labels }, value);
    },
  });
}
