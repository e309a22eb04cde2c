import { type Clock } from '../base/index.ts';
import { type Engine, measuredEngine } from '../docker/index.ts';
import { type ClusterAccess, clientCertificateEnd } from '../kubernetes/index.ts';
import type { Ledger, TaskUpdate } from '../mesos/index.ts';
import { volumePlugin } from '../pod/index.ts';
import type { PodRuntime, RuntimeMeasures } from '../runtime/index.ts';
import { Metrics, type Observed } from '../telemetry/index.ts';

const RESULTS = { success: 'successful', failure: 'failed', unknown: 'unknown' } as const;
const KINDS = { readiness: 'Readiness', liveness: 'Liveness', startup: 'Startup' } as const;

type RuntimePod = ReturnType<PodRuntime['all']>[number];

/** What runs where; the version as the Node object has it. */
interface Build {
  readonly kubeletVersion: string;
  readonly operatingSystem: string;
  readonly architecture: string;
}

const BUILD_LABELS = ['buildDate', 'compiler', 'gitCommit', 'gitTreeState', 'gitVersion', 'goVersion', 'major', 'minor', 'platform'];

/** All labels that a kubelet has; those of a program in Go are empty. */
function buildOf({ kubeletVersion, operatingSystem, architecture }: Build): Record<string, string> {
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(kubeletVersion) ?? [];
  const empty = Object.fromEntries(BUILD_LABELS.map((label) => [label, '']));
  return { ...empty, gitVersion: kubeletVersion, major, minor, platform: `${operatingSystem}/${architecture}` };
}

/** Volumes that there shall be, and those that there are: they are made before anything of a pod runs. */
function volumesOf(pods: readonly Pick<RuntimePod, 'pod' | 'observed'>[]): Observed[] {
  const counts = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { pod, observed } of pods) {
    const states = observed.sandboxes.some(({ state }) => state === 'running') ? ['actual_state_of_world', 'desired_state_of_world'] : ['desired_state_of_world'];
    for (const volume of pod.spec.volumes ?? []) {
      const plugin_name = volumePlugin(volume);
      for (const state of states) {
        const key = `${plugin_name} ${state}`;
        counts.set(key, { labels: { plugin_name, state }, value: (counts.get(key)?.value ?? 0) + 1 });
      }
    }
  }
  return [...counts.values()];
}

/**
 * Turns what happens in the executor into metrics. It keeps the time of each update that is not acknowledged and of each pod that is not running yet,
 * nothing of what is over.
 */
export class Measures {
  readonly metrics = new Metrics();
  readonly #clock: Clock;
  /** When an update was made, by uuid. */
  readonly #unacknowledged = new Map<string, number>();
  /** When a task was accepted, until it runs; by task id. */
  readonly #starting = new Map<string, number>();
  #subscriptions = 0;
  /** What we are, once it is known. */
  build: Build | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  engine(engine: Engine): Engine {
    const { runtimeOperations, runtimeErrors, runtimeDuration } = this.metrics;
    return measuredEngine(engine, (operation_type, seconds, ok) => {
      runtimeOperations.inc({ operation_type });
      runtimeDuration.observe({ operation_type }, seconds);
      if (!ok) runtimeErrors.inc({ operation_type });
    });
  }

  /** An update was made for the agent; `undefined`: refused. */
  updated(update: TaskUpdate | undefined): void {
    if (update === undefined) return;
    const { state, uuid, task_id } = update.status;
    const now = this.#clock.now();
    this.metrics.updates.inc({ state: String(state) });
    this.#unacknowledged.set(Buffer.from(uuid).toString('hex'), now);
    if (state === 'TASK_STARTING') this.#starting.set(task_id.value, now);
    else if (state === 'TASK_RUNNING') this.#running(task_id.value, now);
    else this.#starting.delete(task_id.value);
  }

  /** Nobody waits for that update any more. */
  settled(uuid: Uint8Array, how: 'acknowledged' | 'refused'): void {
    const key = Buffer.from(uuid).toString('hex');
    const made = this.#unacknowledged.get(key);
    this.#unacknowledged.delete(key);
    if (made !== undefined && how === 'acknowledged') this.metrics.statusLag.observe({ side: 'mesos' }, (this.#clock.now() - made) / 1000);
  }

  toldKubernetes(lagMs: number): void {
    this.metrics.statusLag.observe({ side: 'kubernetes' }, lagMs / 1000);
  }

  subscribed(): void {
    this.#subscriptions += 1;
    if (this.#subscriptions > 1) this.metrics.reconnects.inc();
  }

  /** What is looked up while somebody reads. */
  observe(ledger: Ledger, runtime: () => PodRuntime | undefined, nodeName: () => string | undefined): void {
    const { metrics } = this;
    const oldest = (): number | undefined => ledger.unacknowledged().updates[0]?.status.timestamp;
    const pods = (): ReturnType<PodRuntime['all']> => runtime()?.all() ?? [];
    metrics.observe('km_mesos_updates_unacknowledged', 'Status updates that the Mesos agent has not acknowledged.', () => [{ value: ledger.pendingUpdates }]);
    metrics.observe('km_mesos_oldest_unacknowledged_seconds', 'Age of the oldest status update that the Mesos agent has not acknowledged; 0 without one.', () => {
      const made = oldest();
      return [{ value: made === undefined ? 0 : Math.max(0, this.#clock.now() / 1000 - made) }];
    });
    metrics.observe('kubelet_node_name', "The node's name. The count is always 1.", () => {
      const node = nodeName();
      return node === undefined ? [] : [{ labels: { node }, value: 1 }];
    }, ['node']);
    metrics.observe('kubernetes_build_info', "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.", () =>
      this.build === undefined ? [] : [{ labels: buildOf(this.build), value: 1 }], BUILD_LABELS);
    metrics.observe('kubelet_node_config_error', 'This metric is true (1) if the node is experiencing a configuration-related error, false (0) otherwise.', () => [{ value: 0 }]);
    metrics.observe('volume_manager_total_volumes', 'Number of volumes in Volume Manager', () => volumesOf(pods()), ['plugin_name', 'state']);
    metrics.observe('kubelet_running_pods', 'Number of pods currently running', () => [
      { value: pods().filter(({ observed }) => observed.sandboxes.some(({ state }) => state === 'running')).length },
    ]);
    metrics.observe('kubelet_running_containers', 'Number of containers currently running', () => {
      const states = pods().flatMap(({ observed }) => observed.containers.map(({ state }) => state));
      return [...new Set(states)].map((container_state) => ({ labels: { container_state }, value: states.filter((state) => state === container_state).length }));
    }, ['container_state']);
  }

  observeAccess(access: ClusterAccess): void {
    const help = "Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until certificate expiry (negative if already expired). If client certificate is invalid or unused, the value will be +INF.";
    this.metrics.observe('kubelet_certificate_manager_client_ttl_seconds', help, async () => {
      const end = await clientCertificateEnd(access);
      return [{ value: end === undefined ? Infinity : Math.trunc((end - this.#clock.now()) / 1000) }];
    });
  }

  get runtime(): RuntimeMeasures {
    const { metrics } = this;
    return {
      engineEvent: (lagMs) => metrics.eventLag.observe(Math.max(0, lagMs) / 1000),
      relisted: (ms) => metrics.relistWas(this.#clock.now() - ms, this.#clock.now()),
      worked: (operation_type, ms) => metrics.podWorker.observe({ operation_type }, ms / 1000),
      probed: ({ uid, name, namespace }, container, kind, result) =>
        metrics.probed({ probe_type: KINDS[kind], container, pod: name, namespace, pod_uid: uid }, RESULTS[result]),
      mounted: (plugin, ms, ok) => metrics.mounted(plugin, ms / 1000, ok),
      podGone: (uid) => metrics.forgetPod(uid),
    };
  }

  #running(taskId: string, now: number): void {
    const accepted = this.#starting.get(taskId);
    this.#starting.delete(taskId);
    if (accepted !== undefined) this.metrics.podStart.observe((now - accepted) / 1000);
  }
}
