import { join } from 'node:path';
import { Backoff, type Clock, isCode, Journal, messageOf, sleep } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import { clampOomScore, connectEngine, type Engine, type EngineInfo, type HostLimits, probeHost, SANDBOX_OOM_SCORE_ADJ } from '../docker/index.ts';
import { KubernetesClient, loadKubeconfig } from '../kubernetes/index.ts';
import { AgentConnection, type Event, type EventSubscribed, Ledger, type MesosEnvironment } from '../mesos/index.ts';
import { hostInfo, NodeReporter } from '../node/index.ts';
import { PodRuntime } from '../runtime/index.ts';
import { type KillCause, StatusReporter, type TaskUpdateDraft } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { capacityOf, hostAddress, textFile } from './host.ts';
import { ExecutorState, type JournalEntry } from './journal-entry.ts';
import { KubernetesSide } from './kubernetes-side.ts';
import { Tasks } from './tasks.ts';

export interface ExecutorOptions {
  readonly config: ExecutorConfig;
  readonly environment: MesosEnvironment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of this product. */
  readonly version: string;
}

/** How the executor came to its end: `done` when it was told to, `lost` when it gave up on its agent. */
export type ExecutorEnd = 'done' | 'lost';

/** Time kept back from the shutdown grace for removing containers and telling both sides, milliseconds; at most a third of the grace. */
const SHUTDOWN_RESERVE_MS = 2000;

/** Longest wait for acknowledgements at the end: a framework that is torn down acknowledges nothing any more. */
const LAST_ACKNOWLEDGEMENTS_MS = 1000;

/**
 * One run of the executor: journal, agent connection, pod runtime, reporter and API, wired together.
 *
 * Order of birth: the journal is read, then pods of an earlier process are adopted from what Docker shows; only then comes the
 * first event of the agent. Order of death: pods, then both sides have been told, then connections.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #engine: Engine;
  readonly #ended = Promise.withResolvers<ExecutorEnd>();
  #journal!: Journal<JournalEntry>;
  #state!: ExecutorState;
  #ledger!: Ledger;
  #connection!: AgentConnection;
  #reporter!: StatusReporter;
  #runtime!: PodRuntime;
  #tasks!: Tasks;
  #client: KubernetesClient | undefined;
  #kubernetes: KubernetesSide | undefined;
  #node: NodeReporter | undefined;
  #joining: Promise<void> | undefined;
  #engineInfo!: EngineInfo;
  #limits!: HostLimits;
  #capabilities: ReadonlySet<string> = new Set();
  #closing: Promise<void> | undefined;
  readonly #stop = new AbortController();

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#engine = connectEngine({ host: options.config.dockerEndpoint, logger: options.logger });
  }

  /** Starts and runs until the end. Throws code `invalid` when kubeconfig or journal cannot be read. */
  async run(): Promise<ExecutorEnd> {
    const { config, environment, logger } = this.#options;
    if (config.kubeconfig !== undefined) {
      this.#client = new KubernetesClient({ access: await loadKubeconfig(config.kubeconfig), logger, qps: config.kubeApiQps, burst: config.kubeApiBurst });
    }
    const fresh = this.#openJournal();
    this.#wire();
    await this.#reachEngine();
    this.#runtime = this.#makeRuntime();
    this.#tasks = this.#makeTasks();
    if (this.#state.nodeName !== undefined) this.#joinCluster(this.#state.nodeName);
    await this.#untilItWorks('the containers of the Engine', () => this.#runtime.start());
    for (const pod of this.#state.pods()) this.#tasks.adopt(pod);
    if (!fresh) this.#relaunch();
    this.#sweep();
    this.#connection.start();
    logger.info('executor is up', { executor: environment.executorId, framework: environment.frameworkId, adopted: this.#tasks.size });
    const end = await this.#ended.promise;
    await this.#closing;
    return end;
  }

  /** Ends all pods and then the executor, as on SHUTDOWN. */
  shutdown(cause: KillCause, end: ExecutorEnd = 'done'): void {
    this.#closing ??= this.#close(cause, end);
  }

  /** True when this is a new run of the executor, not a new process of the same. */
  #openJournal(): boolean {
    const { config, environment, logger, clock } = this.#options;
    const name = `${environment.frameworkId}.${environment.executorId}`.replaceAll(/[^\w.-]/g, '_');
    const { journal, entries } = Journal.open<JournalEntry>(join(config.rootDir, 'journal', `${name}.jsonl`), {
      snapshot: () => this.#state.entries(this.#ledger.entries()),
      onError: (error) => logger.error('journal not written to the disk', { error: messageOf(error) }),
    });
    this.#journal = journal;
    const known = ExecutorState.restore(entries);
    const fresh = known.run !== environment.sandbox;
    // Tasks of an earlier run are over for Mesos: what is left of them in Docker is swept.
    this.#state = fresh ? new ExecutorState() : known;
    const ledger = { executorId: environment.executorId, clock, record: (entry: Parameters<ConstructorParameters<typeof Ledger>[0]['record']>[0]) => this.#record({ kind: 'ledger', entry }) };
    this.#ledger = fresh ? new Ledger(ledger) : Ledger.restore(known.ledger, ledger);
    if (fresh) {
      this.#state.apply({ kind: 'run', run: environment.sandbox });
      journal.compact();
    }
    return fresh;
  }

  #record(entry: JournalEntry): void {
    this.#state.apply(entry);
    this.#journal.append(entry);
  }

  #wire(): void {
    const { environment, clock, logger, config } = this.#options;
    this.#connection = new AgentConnection({
      environment,
      contentType: config.contentType === 'json' ? 'application/json' : 'application/x-protobuf',
      ledger: this.#ledger,
      logger: logger.child({ part: 'agent' }),
      clock,
      onEvent: (event) => this.#onEvent(event),
      onLost: (reason) => this.shutdown({ kind: 'mesos-shutdown', message: reason }, 'lost'),
    });
    this.#reporter = new StatusReporter({
      clock,
      logger: logger.child({ part: 'status' }),
      record: (report, progress) => {
        const { taskId, status, stage, deleted, succeededBeforeKill, cause } = report;
        this.#record({ kind: 'progress', taskId, progress: { progress, status, stage, deleted, succeededBeforeKill, ...(cause === undefined ? {} : { cause }) } });
      },
      mesos: (update) => this.#update(update),
      kubernetes: () => this.#kubernetes,
      killingState: () => this.#capabilities.has('TASK_KILLING_STATE'),
      onPodGone: (pod) => this.#tasks.onPatchGone(pod),
      onSettled: (report) => this.#tasks.onSettled(report),
    });
  }

  #makeRuntime(): PodRuntime {
    const { config, environment, clock, logger } = this.#options;
    const { score, reason } = clampOomScore(SANDBOX_OOM_SCORE_ADJ, this.#limits);
    if (reason !== undefined) logger.warn('oom scores are clamped to what this host allows', { sandbox: score, reason });
    return new PodRuntime({
      engine: this.#engine,
      engineInfo: this.#engineInfo,
      limits: this.#limits,
      clock,
      logger: logger.child({ part: 'runtime' }),
      frameworkId: environment.frameworkId,
      executorId: environment.executorId,
      tell: (pod, type, reason, message, container) => {
        const fieldPath = container === undefined ? undefined : `spec.${container.init ? 'initContainers' : 'containers'}{${container.name}}`;
        logger.debug('event', { pod: pod.name, container: container?.name, type, reason, message });
        this.#kubernetes?.events.event(pod, type, reason, message, fieldPath === undefined ? {} : { fieldPath });
      },
      recordAttempt: (uid, container, attempt) => this.#record({ kind: 'attempt', uid, container, attempt }),
      report: (report) => this.#tasks.report(report),
      nodeName: () => this.#kubernetes?.nodeName ?? this.#state.nodeName ?? this.#engineInfo.name,
      hostIP: config.nodeIp ?? hostAddress(),
      rootDir: config.rootDir,
      logDir: config.podLogsDir,
      pauseImage: config.podInfraContainerImage,
      clusterDns: config.clusterDns,
      clusterDomain: config.clusterDomain ?? 'cluster.local',
      resolvConf: () => textFile(config.resolvConf),
      nodeHosts: () => textFile('/etc/hosts'),
      imagePullNoProgressMs: config.imagePullProgressDeadlineMs,
      offlineImages: config.offlineImages,
    });
  }

  #makeTasks(): Tasks {
    const { config, environment, clock, logger } = this.#options;
    return new Tasks({
      clock,
      logger: logger.child({ part: 'tasks' }),
      frameworkId: environment.frameworkId,
      launchGraceMs: config.launchGracePeriodMs,
      maxPods: config.maxPods,
      runtime: this.#runtime,
      reporter: this.#reporter,
      kubernetes: () => this.#kubernetes,
      record: (entry) => this.#record(entry),
      accept: (task) => this.#ledger.addTask(task),
      update: (update) => this.#update(update),
      forget: (taskId) => this.#ledger.forget(taskId),
    });
  }

  #update({ taskId, state, reason, message, healthy, ips, data }: TaskUpdateDraft): void {
    if (!this.#ledger.has(taskId)) return; // a static pod
    const addresses = (ips ?? []).map((ip) => ({ ip_address: ip }));
    this.#connection.update({
      task_id: { value: taskId },
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(healthy === undefined ? {} : { healthy }),
      ...(data === undefined ? {} : { data: Buffer.from(data) }),
      ...(addresses.length === 0 ? {} : { container_status: { network_infos: [{ ip_addresses: addresses }] } }),
    } as Parameters<AgentConnection['update']>[0]);
  }

  #onEvent(event: Event): void {
    const { logger } = this.#options;
    switch (event.type) {
      case 'SUBSCRIBED':
        this.#onSubscribed(event.subscribed);
        break;
      case 'LAUNCH':
        void this.#tasks.launch(event.launch.task);
        break;
      case 'LAUNCH_GROUP':
        void this.#tasks.launchGroup(event.launch_group.task_group.tasks ?? []);
        break;
      case 'KILL':
        this.#tasks.kill(event.kill.task_id.value, event.kill.kill_policy);
        break;
      case 'MESSAGE':
        this.#onMessage(event.message.data);
        break;
      case 'SHUTDOWN':
        this.shutdown({ kind: 'mesos-shutdown', message: 'executor shut down by the agent' });
        break;
      case 'ERROR':
        // Mesos docs/executor-http-api.md: an executor that receives an error shall abort.
        logger.error('the agent reports an error, the executor ends', { error: event.error.message });
        this.shutdown({ kind: 'mesos-shutdown', message: `the agent reports an error: ${event.error.message}` }, 'lost');
        break;
      case 'ACKNOWLEDGED':
      case 'HEARTBEAT':
        break;
      case 'UNKNOWN':
        logger.debug('event of an unknown type', { value: event.value });
        break;
    }
  }

  #onSubscribed({ executor_info, framework_info, agent_info }: EventSubscribed): void {
    this.#capabilities = new Set((framework_info.capabilities ?? []).map(({ type }) => String(type)));
    const nodeName = (this.#options.config.hostnameOverride ?? agent_info.hostname).toLowerCase();
    if (this.#state.nodeName !== nodeName) this.#record({ kind: 'run', run: this.#options.environment.sandbox, nodeName });
    this.#joinCluster(nodeName);
    if (this.#client !== undefined && this.#joining === undefined) this.#joining = this.#registerNode(nodeName, agent_info);
    if (executor_info.data !== undefined && executor_info.data.length > 0) void this.#tasks.launchStatic(executor_info.data);
  }

  #joinCluster(nodeName: string): void {
    if (this.#client === undefined || this.#kubernetes !== undefined) return;
    const { clock, logger } = this.#options;
    this.#kubernetes = new KubernetesSide({
      client: this.#client,
      nodeName,
      clock,
      logger: logger.child({ part: 'kubernetes' }),
      onPod: (pod) => this.#tasks.onApiPod(pod),
      onDeleted: (pod) => this.#tasks.onApiDeleted(pod),
    });
    this.#kubernetes.start();
  }

  async #registerNode(nodeName: string, agent: EventSubscribed['agent_info']): Promise<void> {
    const { config, clock, logger, version } = this.#options;
    const info = await hostInfo({ engineVersion: this.#engineInfo.version, version });
    if (this.#client === undefined || this.#closing !== undefined) return;
    this.#node = new NodeReporter({
      client: this.#client,
      facts: {
        name: nodeName,
        hostIP: config.nodeIp ?? hostAddress(),
        hostname: nodeName,
        labels: config.nodeLabels,
        capacity: capacityOf(agent, this.#engineInfo, config.maxPods),
        info,
      },
      clock,
      logger: logger.child({ part: 'node' }),
      register: config.registerNode,
      statusEveryMs: config.nodeStatusUpdateFrequencyMs,
      ...(this.#kubernetes === undefined ? {} : { events: this.#kubernetes.events }),
    });
    this.#node.start();
  }

  #onMessage(data: Uint8Array): void {
    const text = Buffer.from(data).toString();
    if (text !== 'km:status') return this.#options.logger.info('message of the framework is not understood', { bytes: data.length });
    this.#connection.message(Buffer.from(JSON.stringify({ kind: 'km:status', node: this.#state.nodeName, tasks: this.#tasks.summary() })));
  }

  /** Tasks that were accepted by an earlier process and had not become a pod yet. */
  #relaunch(): void {
    for (const task of this.#ledger.unacknowledged().tasks) {
      if (!this.#ledger.isTerminal(task.task_id.value)) void this.#tasks.relaunch(task);
    }
  }

  #sweep(): void {
    this.#runtime.sweep().catch((error: unknown) => this.#options.logger.warn('sweep failed', { error: messageOf(error) }));
  }

  async #reachEngine(): Promise<void> {
    this.#limits = await probeHost();
    await this.#untilItWorks('the Docker Engine', async () => {
      this.#engineInfo = await this.#engine.info();
    });
  }

  /** Tries until it works or the executor ends; the agent gives us a minute to subscribe. */
  async #untilItWorks(what: string, work: () => Promise<void>): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 2000 });
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isCode(error, 'unavailable', 'timeout')) throw error;
        this.#options.logger.warn(`cannot reach ${what}, trying again`, { error: messageOf(error) });
        await sleep(this.#options.clock, backoff.next(), this.#stop.signal);
      }
    }
  }

  async #close(cause: KillCause, end: ExecutorEnd): Promise<void> {
    const { environment, logger, clock } = this.#options;
    const graceMs = environment.shutdownGraceMs;
    const until = clock.now() + graceMs;
    const left = (): number => Math.max(0, until - clock.now());
    logger.info('executor shuts down', { reason: cause.message, pods: this.#tasks.size, graceMs });
    const reserveMs = Math.min(SHUTDOWN_RESERVE_MS, graceMs / 3);
    const patience = sleep(clock, graceMs - reserveMs / 2, this.#stop.signal).catch(() => undefined);
    await Promise.race([this.#tasks.killAll(cause, graceMs - reserveMs), patience]);
    this.#stop.abort();
    const acknowledged = await this.#connection.flush(Math.min(LAST_ACKNOWLEDGEMENTS_MS, left()));
    if (!acknowledged) logger.warn('not every update was acknowledged before the end');
    await Promise.all([this.#node?.stop(), this.#kubernetes?.stop(Math.min(LAST_ACKNOWLEDGEMENTS_MS, left()))]);
    await Promise.all([this.#connection.stop(), this.#reporter.stop(), this.#runtime.stop()]);
    await this.#client?.close();
    this.#engine.close();
    await this.#journal.discard();
    logger.info('executor is down');
    this.#ended.resolve(end);
  }
}
