import { KmError, messageOf, type RepeatingTask, sleep } from '../base/index.ts';
import { connectEngine, type Engine } from '../docker/index.ts';
import { KubernetesClient, loadKubeconfig } from '../kubernetes/index.ts';
import { AgentConnection, type Event, type EventSubscribed } from '../mesos/index.ts';
import { hostInfo, type NodeCapacity, nodeLabels, NodeReporter } from '../node/index.ts';
import type { Allocatable } from '../pod/index.ts';
import { type KillCause, StatusReporter, type TaskUpdateDraft } from '../status/index.ts';
import { catchUp } from './catch-up.ts';
import { obey } from './commands.ts';
import { EarlyEvents } from './early-events.ts';
import type { ExecutorEnd } from './ending.ts';
import type { ExecutorOptions } from './executor-options.ts';
import { allocatableOf, capacityOf, hostAddress } from './host.ts';
import { IdleCollector } from './idle-collector.ts';
import { IdleEnd } from './idle-end.ts';
import type { FormerPod } from './journal-entry.ts';
import { KubernetesSide } from './kubernetes-side.ts';
import { makePods, type Pods, takeUp } from './make-pods.ts';
import { Measures } from './measures.ts';
import type { Memory } from './memory.ts';
import { reaper } from './reaper.ts';
import { NodeHealth } from './node-health.ts';
import { ServedApi } from './node-api.ts';
import { hasCompany } from './owners.ts';
import { shutdownTimes } from './shutdown-times.ts';
import { taskReport } from './task-report.ts';
import { untilReached } from './until-reached.ts';

/** From the order to restart to its execution, milliseconds: an answer needs so long, and an order to end that comes with it wins. */
const RESTART_AFTER_MS = 250;

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/**
 * One run of the executor: agent connection, pod runtime, reporter and API, wired together.
 *
 * Order of birth: the journal is read; the agent is subscribed with, and what it wants is written down; then pods of an earlier process are adopted from
 * what Docker shows. Order of death: pods, then both sides have been told, then connections.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #engine: Engine;
  readonly #measures: Measures;
  readonly #memory: Memory;
  readonly #connection: AgentConnection;
  readonly #reporter: StatusReporter;
  readonly #ended = Promise.withResolvers<ExecutorEnd>();
  readonly #stop = new AbortController();
  /** The pods of an earlier process have been taken up, or cannot be. */
  readonly #takenUp = Promise.withResolvers<void>();
  /** The agent has told its resources, or is not waited for any more. */
  readonly #told = Promise.withResolvers<void>();
  readonly #collector: IdleCollector;
  readonly #idleEnd: IdleEnd;
  readonly #early: EarlyEvents;
  #pods: Pods | undefined;
  /** What the agent has told last of itself and the framework. */
  #subscribed: EventSubscribed | undefined;
  #reaper: RepeatingTask | undefined;
  #client: KubernetesClient | undefined;
  #kubernetes: KubernetesSide | undefined;
  #node: NodeReporter | undefined;
  readonly #health = new NodeHealth((fault) => this.#node?.ready(fault === undefined, fault));
  #served: ServedApi | undefined;
  #engineAwaySince: number | undefined;
  #joining: Promise<void> | undefined;
  /** Known once the agent has told its resources. */
  #capacity: NodeCapacity | undefined;
  #closing: Promise<void> | undefined;

  /** Throws code `invalid` when the Engine's address is none. */
  constructor(options: ExecutorOptions) {
    const { config, environment, memory, clock, logger } = options;
    this.#options = options;
    this.#collector = new IdleCollector(clock);
    this.#idleEnd = new IdleEnd({
      clock,
      timeoutMs: config.suicideTimeoutMs,
      isIdle: () => this.#closing === undefined && this.#pods !== undefined && this.#pods.tasks.allOver((taskId) => this.#memory.ledger.isTerminal(taskId)),
      end: (message) => this.shutdown({ kind: 'mesos-shutdown', message }),
      draining: memory.state.facts.draining === true,
      onDrain: () => memory.learn({ draining: true }),
    });
    this.#measures = new Measures(clock);
    this.#engine = this.#measures.engine(connectEngine({ host: config.dockerEndpoint, logger, requestTimeoutMs: config.runtimeRequestTimeoutMs }));
    this.#memory = memory;
    this.#early = new EarlyEvents({ memory, clock, logger });
    memory.watch((fault) => this.#health.set('root-dir', fault));
    this.#connection = new AgentConnection({
      environment,
      contentType: config.contentType === 'json' ? 'application/json' : 'application/x-protobuf',
      ledger: this.#memory.ledger,
      logger: logger.child({ part: 'agent' }),
      clock,
      onEvent: (event) => this.#onEvent(event),
      onSettled: (uuid, how) => this.#measures.settled(uuid, how),
      onSubscribed: () => this.#measures.subscribed(),
      onLost: (reason) => this.shutdown({ kind: 'mesos-shutdown', message: reason }, 'lost'),
    });
    this.#measures.observe(this.#memory.ledger, () => this.#pods?.runtime, () => this.#memory.state.nodeName);
    this.#reporter = new StatusReporter({
      clock,
      logger: logger.child({ part: 'status' }),
      record: ({ taskId, status, stage, deleted, succeededBeforeKill, cause }, progress) => {
        const last = { progress, status, stage, deleted, succeededBeforeKill, ...(cause === undefined ? {} : { cause }) };
        this.#memory.record({ kind: 'progress', taskId, progress: last });
      },
      mesos: (update) => this.#update(update),
      kubernetes: () => this.#kubernetes,
      killingState: () => this.#memory.state.facts.capabilities?.includes('TASK_KILLING_STATE') === true,
      onSent: (lagMs) => this.#measures.toldKubernetes(lagMs),
      onPodGone: (pod, how) => this.#pods?.tasks.onPatchGone(pod, how),
      onSettled: (report) => this.#pods?.tasks.onSettled(report),
    });
  }

  /** Runs until the end. Throws code `invalid` when the kubeconfig cannot be used. */
  async run(): Promise<ExecutorEnd> {
    // Timers of the clock keep no process alive: while we only wait (for an Engine that is away, say), this does.
    const alive = setInterval(() => undefined, LONGEST_INTERVAL_MS);
    try {
      return await this.#run();
    } finally {
      clearInterval(alive);
    }
  }

  async #run(): Promise<ExecutorEnd> {
    const { config, logger } = this.#options;
    if (config.kubeconfig !== undefined) {
      const { metrics } = this.#measures;
      const access = await loadKubeconfig(config.kubeconfig);
      this.#measures.observeAccess(access);
      this.#client = new KubernetesClient({ access, logger, qps: config.kubeApiQps, burst: config.kubeApiBurst, onRequest: (request) => metrics.askedApi(request) });
    }
    catchUp(this.#memory);
    this.#connection.start();
    // The agent is heard meanwhile: of an Engine that is away it knows nothing, and ends executors that do not subscribe.
    this.#takeUpPods().then(this.#takenUp.resolve, (error: unknown) => {
      this.#takenUp.resolve();
      if (!this.#stop.signal.aborted) this.#ended.reject(error);
    });
    return this.#ended.promise;
  }

  /** Ends all pods and then the executor, as on SHUTDOWN. */
  shutdown(cause: KillCause, end: ExecutorEnd = 'done'): void {
    if (this.#closing === undefined) this.#memory.learn({ ending: { cause, end } });
    this.#closing ??= this.#close(cause, end).then(() => this.#ended.resolve(end), (error: unknown) => this.#ended.reject(error));
  }

  /** Leaves the pods to a new process, for which the journal has it all. Without effect once they are being ended. */
  restart(): void {
    this.#options.clock.after(RESTART_AFTER_MS, () => {
      if (this.#closing === undefined) this.#ended.resolve('restart');
    });
  }

  /** Reaches the Engine and takes over what an earlier process of this run has left there. */
  async #takeUpPods(): Promise<void> {
    const { environment, config, clock, logger } = this.#options;
    const memory = this.#memory;
    const engineInfo = await this.#untilReached('the Docker Engine', () => this.#engine.info());
    const pods = await makePods({
      config,
      environment,
      memory,
      clock,
      logger,
      engine: this.#engine,
      engineInfo,
      measures: this.#measures.runtime,
      reporter: this.#reporter,
      health: this.#health,
      kubernetes: () => this.#kubernetes,
      allocatable: () => this.#allocatable(),
      toldAllocatable: () => this.#told.promise.then(() => this.#allocatable()),
      draining: () => this.#idleEnd.draining,
      update: (update) => this.#update(update),
      tellOfEnd: (former) => this.#tellOfEnd(former),
      onEngine: (answers) => {
        this.#engineAwaySince = answers ? undefined : clock.elapsed();
      },
      onForgotten: () => {
        this.#collector.poke();
        this.#idleEnd.look();
      },
    });
    await this.#untilReached('the containers of the Engine', () => pods.runtime.start());
    if (this.#stop.signal.aborted) return;
    // From here on nothing waits: no event of the agent comes between.
    this.#pods = pods;
    if (memory.state.nodeName !== undefined) this.#joinCluster(memory.state.nodeName);
    takeUp(pods, memory);
    memory.settleBoot(); // once the orders are written down
    if (this.#subscribed !== undefined) this.#appearWith(pods, this.#subscribed);
    const { ending } = memory.state.facts;
    if (ending !== undefined) this.shutdown(ending.cause, ending.end); // the process before was about it
    pods.runtime.sweep().catch((error: unknown) => logger.warn('containers of no task not removed yet', { error: messageOf(error) }));
    this.#reaper = reaper({ config, engine: this.#engine, engineInfo, tellOfEnd: (former) => this.#tellOfEnd(former), clock, logger });
    this.#reaper.wake();
    logger.info('executor is up', { executor: environment.executorId, framework: environment.frameworkId, adopted: pods.tasks.size });
  }

  /** Without an API there is nobody to be told. */
  async #tellOfEnd({ pod, status }: FormerPod): Promise<void> {
    if (this.#client === undefined) return;
    if (this.#kubernetes === undefined) throw new KmError('unavailable', 'the name of the node is not known yet');
    await this.#kubernetes.tellOfEnd(pod, status);
  }

  #untilReached<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { clock, logger } = this.#options;
    return untilReached({ what, work, clock, logger, signal: this.#stop.signal });
  }

  #onEvent(event: Event): void {
    const { logger } = this.#options;
    if (this.#pods === undefined) this.#early.take(event);
    switch (event.type) {
      case 'SUBSCRIBED':
        this.#onSubscribed(event.subscribed);
        break;
      case 'LAUNCH':
        void this.#pods?.launches.launch(event.launch.task);
        break;
      case 'LAUNCH_GROUP':
        void this.#pods?.launches.launchGroup(event.launch_group.task_group.tasks ?? []);
        break;
      case 'KILL':
        this.#pods?.tasks.kill(event.kill.task_id.value, event.kill.kill_policy);
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

  #update(draft: TaskUpdateDraft): void {
    this.#measures.updated(this.#connection.update(taskReport(draft)));
    this.#idleEnd.look();
  }

  #onSubscribed(subscribed: EventSubscribed): void {
    const { framework_info, agent_info } = subscribed;
    const nodeName = (this.#options.config.hostnameOverride ?? agent_info.hostname).toLowerCase();
    this.#memory.setNodeName(nodeName);
    this.#memory.learn({ capabilities: (framework_info.capabilities ?? []).map(({ type }) => String(type)) });
    this.#subscribed = subscribed;
    if (this.#pods !== undefined) this.#appearWith(this.#pods, subscribed);
  }

  /** Agent and Engine are both there. */
  #appearWith({ engineInfo, launches }: Pods, { executor_info, agent_info }: EventSubscribed): void {
    const { nodeName } = this.#memory.state;
    this.#capacity = capacityOf(agent_info, engineInfo, this.#options.config.maxPods);
    this.#told.resolve();
    if (nodeName !== undefined) {
      this.#joinCluster(nodeName);
      this.#joining ??= this.#appear(nodeName);
    }
    this.#idleEnd.look();
    if (executor_info.data !== undefined && executor_info.data.length > 0) void launches.launchStatic(executor_info.data);
  }

  /** What the node has for pods, once the agent has told. */
  #allocatable(): Allocatable {
    return this.#capacity === undefined ? { pods: this.#options.config.maxPods } : allocatableOf(this.#capacity);
  }

  #joinCluster(nodeName: string): void {
    if (this.#client === undefined || this.#kubernetes !== undefined || this.#pods === undefined) return;
    const { clock, config, logger } = this.#options;
    const { architecture } = this.#pods.engineInfo;
    this.#kubernetes = new KubernetesSide({
      client: this.#client,
      nodeName,
      nodeLabels: nodeLabels({ hostname: nodeName, labels: config.nodeLabels, info: { architecture, operatingSystem: 'linux' } }),
      clock,
      logger: logger.child({ part: 'kubernetes' }),
      onPod: (pod) => this.#pods?.tasks.onApiPod(pod),
      onDeleted: (pod) => this.#pods?.tasks.onApiDeleted(pod),
    });
    this.#kubernetes.start();
  }

  /** Serves the node's API, then says where: a node that is Ready can be asked for logs. */
  async #appear(nodeName: string): Promise<void> {
    const { config, clock, logger, version } = this.#options;
    const { engineInfo, runtime } = this.#pods ?? {};
    const capacity = this.#capacity;
    if (engineInfo === undefined || runtime === undefined || capacity === undefined) return;
    const hostIP = config.nodeIp ?? hostAddress();
    let kubeletPort: number | undefined;
    this.#served = new ServedApi({
      config,
      nodeName,
      hostIP,
      access: this.#client?.access,
      engine: this.#engine,
      engineInfo,
      metrics: this.#measures.metrics,
      runtime,
      engineAwaySince: () => this.#engineAwaySince,
      onPort: (port) => {
        kubeletPort = port;
        this.#node?.setKubeletPort(port);
      },
      clock,
      logger: logger.child({ part: 'server' }),
    });
    const [info] = await Promise.all([hostInfo({ engineVersion: engineInfo.version, version }), this.#served.start()]);
    this.#measures.build = info;
    if (this.#closing !== undefined || this.#client === undefined || this.#kubernetes === undefined) return;
    this.#node = new NodeReporter({
      client: this.#client,
      facts: {
        name: nodeName,
        hostIP,
        hostname: nodeName,
        labels: config.nodeLabels,
        capacity,
        info,
        ...(kubeletPort !== undefined && { kubeletPort }),
      },
      clock,
      logger: logger.child({ part: 'node' }),
      register: config.registerNode,
      statusEveryMs: config.nodeStatusUpdateFrequencyMs,
      events: this.#kubernetes.events,
      onPodCidr: (cidr) => runtime.setPodCidr(cidr),
    });
    if (this.#health.fault !== undefined) this.#node.ready(false, this.#health.fault);
    this.#node.start();
  }

  #onMessage(data: Uint8Array): void {
    const { logger } = this.#options;
    const answer = obey(data, {
      status: () => ({ node: this.#memory.state.nodeName, draining: this.#idleEnd.draining, tasks: this.#pods?.tasks.summary() ?? [] }),
      drain: () => this.#idleEnd.drain(),
      restart: () => this.restart(),
      shutdown: (message) => this.shutdown({ kind: 'mesos-shutdown', message }),
    });
    if (answer === undefined) return logger.info('message of the framework is not understood', { bytes: data.length });
    logger.info('message of the framework', { answer: (answer as { kind?: string }).kind });
    this.#connection.message(Buffer.from(JSON.stringify(answer)));
  }

  async #close(cause: KillCause, end: ExecutorEnd): Promise<void> {
    const { config, environment, logger, clock } = this.#options;
    const graceMs = environment.shutdownGraceMs;
    const { reserveMs, leftMs: remainingMs, lastWordsMs, inTime } = shutdownTimes(clock, graceMs);
    logger.info('executor shuts down', { reason: cause.message, pods: this.#pods?.tasks.size ?? 0, graceMs });
    this.#collector.stop();
    this.#idleEnd.stop();
    void this.#reaper?.stop(); // an Engine that hangs must not hold up the end
    const patience = new AbortController();
    const within = (ms: number): Promise<void> => sleep(clock, ms, patience.signal).catch(() => undefined);
    // What an earlier process has left is taken up first: it has to end too.
    await Promise.race([this.#takenUp.promise, within(graceMs / 2)]);
    this.#stop.abort();
    this.#told.resolve();
    const leftMs = remainingMs();
    await Promise.race([this.#pods?.tasks.killAll(cause, leftMs - reserveMs), within(leftMs - reserveMs / 4)]);
    patience.abort();
    if (!(await this.#connection.flush(lastWordsMs(), end === 'lost' ? lastWordsMs() : remainingMs()))) logger.warn('not every update was acknowledged before the end');
    const farewellMs = hasCompany(config.rootDir, environment) ? 0 : remainingMs(); // the node is another executor's too
    await inTime(Promise.all([this.#node?.stop(farewellMs), this.#kubernetes?.stop(lastWordsMs()), this.#served?.stop()]));
    const stopped = Promise.all([this.#connection.stop(), this.#reporter.stop(), this.#pods?.runtime.stop()]);
    await inTime(stopped);
    await this.#client?.close();
    this.#engine.close();
    await inTime(stopped); // what has waited for the Engine has heard that it is over
    const left = this.#memory.state.pods().length;
    if (left > 0) logger.warn('the next executor has to go on with what is left of pods, or to tell the API of their end', { pods: left });
    await this.#memory.close();
    logger.info('executor is down');
  }
}
