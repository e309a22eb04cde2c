import { systemClock, type Clock } from '../../base/index.ts';
import { encodeEvent, encodeRecord, type Call, type CallUpdate, type ContentType, type Event, type KillPolicy, type TaskInfo, type TaskStatusReason } from '../../mesos/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import { AgentServer, type EventStream, type Exchange } from './agent-server.ts';
import { executorEnvironment } from './environment.ts';
import type { ProcessExit } from './executor-process.ts';
import { readCall, type AgentAnswer } from './read-call.ts';
import { identityOf, subscribedBy, type Identity } from './subscribed.ts';
import { TaskLedger } from './task-ledger.ts';
import type { AgentOptions, CallEvent, ConnectionEvent, RestartOptions, TaskRecord, UpdateRecord } from './types.ts';
import { Conditions, Listeners, type WaitOptions } from './watchers.ts';

const RECOVERING: AgentAnswer = { status: 503, body: 'Agent has not finished recovery' };
const HEARTBEAT_MS = 30 * 60_000;

/**
 * Behaves towards one executor as a real Mesos agent does: its v1 Executor API, its acknowledgements, its restarts. It is
 * master and framework too, as far as an executor can tell: whoever holds it launches and kills tasks.
 *
 * Between awaits: `#stream` is the one event stream that counts; what is in `#queue` has not been sent yet and goes out, in
 * order, with the next subscription; every call is answered exactly once.
 */
export class AgentEmulator {
  readonly identity: Identity;
  /** `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`, milliseconds. */
  readonly shutdownGracePeriodMs: number;
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #server: AgentServer;
  #ledger = new TaskLedger();
  #queue: Event[] = [];
  #stream: { events: EventStream; contentType: ContentType } | undefined;
  #everSubscribed = false;
  #executorSpoke = false;
  #acknowledge: boolean;
  /** What is left of a restart: requests that still get 404, and until when others get 503. */
  #notFound = 0;
  #recoveringUntil = 0;
  #updatesRefusedForMs = 0;
  #updatesRefusedUntil = 0;
  /** A framework that does not checkpoint is gone after a restart. */
  #forgotten = false;
  /** SHUTDOWN has been said: whoever subscribes is told again. */
  #shuttingDown = false;
  /** It has ended the executor because nothing was left for it, and gives it no more. */
  #terminating = false;
  #cancelHeartbeat: (() => void) | undefined;
  #cancelRecovery: (() => void) | undefined;
  readonly #onUpdate = new Listeners<[UpdateRecord, TaskRecord]>();
  readonly #onCall = new Listeners<[CallEvent]>();
  readonly #onConnection = new Listeners<[ConnectionEvent]>();
  readonly #onEvent = new Listeners<[Event, number]>();
  readonly #conditions: Conditions;

  private constructor(options: AgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#conditions = new Conditions(this.#clock, this.#logger);
    this.#acknowledge = options.acknowledge ?? true;
    this.shutdownGracePeriodMs = options.shutdownGracePeriodMs ?? 5_000;
    this.identity = identityOf(options);
    this.#server = new AgentServer({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      domainSocket: options.domainSocket,
      tls: options.tls,
      onExchange: (exchange) => this.#serve(exchange),
    });
  }

  /** Resolves when the agent listens. Throws code `unavailable` when the port is taken. */
  static async start(options: AgentOptions = {}): Promise<AgentEmulator> {
    const agent = new AgentEmulator(options);
    await agent.#server.start();
    return agent;
  }

  get port(): number {
    return this.#server.port;
  }

  /** `host:port`, as in `MESOS_AGENT_ENDPOINT`. */
  get endpoint(): string {
    return `${reachable(this.#options.host ?? '127.0.0.1')}:${this.port}`;
  }

  get subscribed(): boolean {
    return this.#stream !== undefined;
  }

  /** The executor has been told to end, since nothing was left of what it was started for: until it has, tasks for it are lost. */
  get terminating(): boolean {
    return this.#terminating;
  }

  /** Tasks by id, in the order in which the agent heard of them. The records go on changing. */
  get tasks(): ReadonlyMap<string, TaskRecord> {
    return this.#ledger.tasks;
  }

  /** What a real agent puts into an executor's environment; the sandbox is an absolute path. */
  environment(sandbox: string): Record<string, string> {
    const { checkpoint, recoveryTimeout, subscriptionBackoffMax, authenticationToken, domainSocket, tls } = this.#options;
    const environment = executorEnvironment(
      {
        ...this.identity,
        host: reachable(this.#options.host ?? '127.0.0.1'),
        port: this.port,
        checkpoint: checkpoint ?? true,
        recoveryTimeout: recoveryTimeout ?? '15mins',
        subscriptionBackoffMax: subscriptionBackoffMax ?? '2secs',
        shutdownGracePeriodMs: this.shutdownGracePeriodMs,
        authenticationToken,
        domainSocket,
      },
      sandbox,
    );
    return tls === undefined ? environment : { ...environment, LIBPROCESS_SSL_ENABLED: '1' };
  }

  launch(task: TaskInfo): void {
    this.send({ type: 'LAUNCH', launch: { task } });
  }

  launchGroup(tasks: readonly TaskInfo[]): void {
    this.send({ type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks } } });
  }

  /** A task that the executor has not been sent yet is taken back and reported as killed by the agent itself. */
  kill(taskId: string, killPolicy?: KillPolicy): void {
    const waiting = this.#queue.filter((event) => tasksOf(event).some((task) => task.task_id.value === taskId));
    if (waiting.length > 0) {
      this.#queue = this.#queue.filter((event) => !waiting.includes(event));
      // A group is launched as one, or not at all (Mesos src/slave/slave.cpp, Slave::kill).
      const taken = new Set(waiting.flatMap(tasksOf).map((task) => task.task_id.value));
      for (const id of taken) this.#report(id, 'TASK_KILLED', 'REASON_TASK_KILLED_DURING_LAUNCH', 'Killed before delivery to the executor');
      return;
    }
    this.send({ type: 'KILL', kill: { task_id: { value: taskId }, ...(killPolicy === undefined ? {} : { kill_policy: killPolicy }) } });
  }

  message(data: Uint8Array): void {
    this.send({ type: 'MESSAGE', message: { data } });
  }

  shutdown(): void {
    this.#shuttingDown = true;
    this.send({ type: 'SHUTDOWN' });
  }

  /** Sends any event at once, or with the next subscription when there is none. */
  send(event: Event): void {
    const taskIds = tasksOf(event).map((task) => task.task_id.value);
    for (const taskId of taskIds) this.#ledger.launch(taskId);
    if (this.#terminating && taskIds.length > 0) {
      for (const taskId of taskIds) this.#drop(taskId, 'REASON_EXECUTOR_TERMINATED', 'Executor terminating'); // Mesos src/slave/slave.cpp, Slave::__run
    } else if (this.#stream === undefined) this.#queue.push(event);
    else this.#write(event);
    this.#changed();
  }

  /** Switches acknowledgements; switched on, what was held back is acknowledged now. */
  setAcknowledge(acknowledge: boolean): void {
    this.#acknowledge = acknowledge;
    if (acknowledge) for (const update of this.#ledger.unacknowledged()) this.#acknowledgeUpdate(update);
    this.#changed();
  }

  /** Every new update, of the executor or of the agent itself; not those that came again. */
  onUpdate(listener: (update: UpdateRecord, task: TaskRecord) => void): () => void {
    return this.#onUpdate.add(listener);
  }

  /** Every request with its answer. */
  onCall(listener: (call: CallEvent) => void): () => void {
    return this.#onCall.add(listener);
  }

  onConnection(listener: (event: ConnectionEvent) => void): () => void {
    return this.#onConnection.add(listener);
  }

  /** Every event at the moment at which it is written to the executor; `at` is wall clock, milliseconds. */
  onEvent(listener: (event: Event, at: number) => void): () => void {
    return this.#onEvent.add(listener);
  }

  /**
   * Resolves as soon as `predicate` holds; it is asked after everything that happens to the agent. Throws code `timeout` after
   * `deadlineMs` milliseconds and `aborted` when the signal aborts.
   */
  waitFor(predicate: (agent: this) => boolean, options: WaitOptions = {}): Promise<void> {
    return this.#conditions.wait(() => predicate(this), options);
  }

  /** Breaks the subscription's connection; other connections and the agent live on. */
  disconnect(): void {
    this.#stream?.events.destroy();
  }

  /** The agent is killed: connections break, new ones are refused. What it had checkpointed is kept. */
  async stopListening(): Promise<void> {
    this.#cancelHeartbeat?.();
    this.#cancelRecovery?.();
    this.#stream = undefined;
    this.#say('down');
    await this.#server.stop();
  }

  /** The agent comes back on the same port. Without checkpointing it knows neither framework nor tasks any more. */
  async startListening(options: RestartOptions = {}): Promise<void> {
    const recoveringMs = options.recoveringMs ?? 0;
    this.#notFound = options.notFound ?? 1;
    this.#recoveringUntil = this.#clock.now() + recoveringMs;
    this.#updatesRefusedForMs = options.updatesRefusedMs ?? 0;
    this.#everSubscribed = false;
    if (this.#options.checkpoint === false) {
      this.#forgotten = true;
      this.#ledger = new TaskLedger();
    }
    await this.#server.start();
    this.#say('recovering');
    this.#cancelRecovery = this.#clock.after(recoveringMs, () => this.#say('recovered'));
  }

  /** The executor's process has ended: its live tasks have failed, whatever its exit code. */
  executorEnded(reason: TaskStatusReason, exit: ProcessExit): void {
    this.#stream = undefined;
    this.#cancelHeartbeat?.();
    this.#shuttingDown = false;
    this.#terminating = false;
    this.#queue = []; // what it was never sent has failed with it
    const how = exit.signal === null ? `exited with status ${String(exit.code)}` : `terminated with signal ${exit.signal}`;
    for (const task of this.#ledger.live()) this.#report(task.taskId, 'TASK_FAILED', reason, `Executor ${how}`);
    this.#changed();
  }

  /** Ends everything; waits in `waitFor` are left to their deadlines. */
  async close(): Promise<void> {
    this.#cancelHeartbeat?.();
    this.#cancelRecovery?.();
    this.#stream = undefined;
    await this.#server.stop();
  }

  #serve(exchange: Exchange): void {
    const read = this.#notFound > 0 ? undefined : readCall(exchange.request, this.#options.authenticationToken);
    const answer = this.#answer(read);
    const event: CallEvent = {
      call: read?.kind === 'call' ? read.call : undefined,
      contentType: read?.contentType,
      status: answer.status,
      body: answer.body,
      at: this.#clock.now(),
    };
    if (answer.status !== 200) exchange.answer(answer);
    this.#onCall.call(event);
    if (answer.status < 300 && read?.kind === 'call') this.#take(exchange, read.call, read.accept);
    this.#changed();
  }

  #answer(read: ReturnType<typeof readCall> | undefined): AgentAnswer {
    if (read === undefined) {
      this.#notFound -= 1;
      return { status: 404, body: '404 Not Found.' };
    }
    if (this.#clock.now() < this.#recoveringUntil) return RECOVERING;
    if (read.kind === 'refused') return read.answer;
    const { call } = read;
    if (call.type === 'HEARTBEAT') return { status: 202, body: '' };
    if (call.framework_id.value !== this.identity.frameworkId || this.#forgotten) return { status: 400, body: 'Framework cannot be found' };
    if (call.executor_id.value !== this.identity.executorId) return { status: 400, body: 'Executor cannot be found' };
    if (call.type === 'SUBSCRIBE') return { status: 200, body: '' };
    if (!this.#everSubscribed) return { status: 403, body: 'Executor is not subscribed' };
    if (call.type === 'UNKNOWN') return { status: 501, body: '501 Not Implemented.' };
    return this.#clock.now() < this.#updatesRefusedUntil ? RECOVERING : { status: 202, body: '' };
  }

  #take(exchange: Exchange, call: Call, accept: ContentType): void {
    if (call.type === 'UPDATE') {
      this.#executorSpoke = true;
      const update = this.#record(call.update);
      if (update !== undefined && this.#acknowledge) this.#acknowledgeUpdate(update);
    } else if (call.type === 'SUBSCRIBE') {
      this.#open(exchange.stream(accept), accept);
      this.#greet(call.subscribe.unacknowledged_tasks ?? [], call.subscribe.unacknowledged_updates ?? []);
    }
  }

  #open(events: EventStream, contentType: ContentType): void {
    if (this.#stream !== undefined) {
      this.#stream.events.end();
      this.#say('replaced');
    }
    const stream = { events, contentType };
    this.#stream = stream;
    if (this.#updatesRefusedForMs > 0) this.#updatesRefusedUntil = this.#clock.now() + this.#updatesRefusedForMs;
    this.#updatesRefusedForMs = 0;
    events.onLost(() => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#cancelHeartbeat?.();
      this.#say('lost');
    });
  }

  /** The first events of a subscription (Mesos src/slave/slave.cpp, Slave::subscribe). */
  #greet(tasks: readonly TaskInfo[], updates: readonly CallUpdate[]): void {
    const resent = updates.map((update) => this.#record(update)).filter((update) => update !== undefined);
    const named = new Set(tasks.map((task) => task.task_id.value));
    const unsent = new Set(this.#queue.flatMap(tasksOf).map((task) => task.task_id.value));
    for (const { taskId, latest } of this.#ledger.live()) {
      if (latest === undefined && !named.has(taskId) && !unsent.has(taskId)) this.#drop(taskId, 'REASON_AGENT_RESTARTED', 'Task launched during agent restart');
    }
    this.#everSubscribed = true;
    this.#say('subscribed');
    if (this.#shuttingDown && this.#queue.length === 0) {
      for (const update of resent) if (this.#acknowledge) this.#acknowledgeUpdate(update);
      this.#write({ type: 'SHUTDOWN' }); // an executor that is being ended (Mesos src/slave/slave.cpp, Slave::subscribe)
      return;
    }
    const { tasks: known } = this.#ledger;
    if (known.size > 0 && !this.#executorSpoke && resent.length === 0 && this.#ledger.live().length === 0) {
      this.#terminating = true;
      this.#write({ type: 'SHUTDOWN' }); // nothing is left of what this executor was started for
      return;
    }
    this.#write({ type: 'SUBSCRIBED', subscribed: this.#options.subscribed ?? subscribedBy(this.identity, this.#options, this.port) });
    if (this.#acknowledge) for (const update of resent) this.#acknowledgeUpdate(update);
    for (const event of this.#queue.splice(0)) this.#write(event);
    this.#scheduleHeartbeat();
  }

  #drop(taskId: string, reason: TaskStatusReason, message: string): void {
    const aware = this.identity.capabilities.includes('PARTITION_AWARE');
    this.#report(taskId, aware ? 'TASK_DROPPED' : 'TASK_LOST', reason, message);
  }

  #record({ status }: CallUpdate): UpdateRecord | undefined {
    const { update, again, known } = this.#ledger.record(status, 'executor', this.#clock.now());
    if (!again) this.#tell(update);
    return known ? update : undefined; // of an unknown task it is passed on, but not acknowledged
  }

  #report(taskId: string, state: 'TASK_KILLED' | 'TASK_FAILED' | 'TASK_DROPPED' | 'TASK_LOST', reason: TaskStatusReason, message: string): void {
    const status = { task_id: { value: taskId }, state, reason, message, source: 'SOURCE_AGENT' } as const;
    this.#tell(this.#ledger.record(status, 'agent', this.#clock.now()).update);
  }

  #tell(update: UpdateRecord): void {
    const task = this.#ledger.tasks.get(update.status.task_id.value);
    if (task !== undefined) this.#onUpdate.call(update, task);
  }

  #acknowledgeUpdate({ status, uuid }: UpdateRecord): void {
    if (this.#stream === undefined || status.uuid === undefined) return; // the executor sends it again with its next SUBSCRIBE
    this.#write({ type: 'ACKNOWLEDGED', acknowledged: { task_id: status.task_id, uuid: status.uuid } });
    this.#ledger.acknowledge(status.task_id.value, uuid);
  }

  #write(event: Event): void {
    if (this.#stream === undefined) return;
    this.#stream.events.write(encodeRecord(encodeEvent(event, this.#stream.contentType)));
    this.#onEvent.call(event, this.#clock.now());
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = this.#clock.after(this.#options.heartbeatMs ?? HEARTBEAT_MS, () => {
      this.#write({ type: 'HEARTBEAT' });
      this.#scheduleHeartbeat();
    });
  }

  #say(what: ConnectionEvent['what']): void {
    this.#logger.debug('agent', { what });
    this.#onConnection.call({ what, at: this.#clock.now() });
    this.#changed();
  }

  #changed(): void {
    this.#conditions.look();
  }
}

function tasksOf(event: Event): readonly TaskInfo[] {
  if (event.type === 'LAUNCH') return [event.launch.task];
  return event.type === 'LAUNCH_GROUP' ? (event.launch_group.task_group.tasks ?? []) : [];
}

/** An address that a client can dial where the server listens on all of them. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}
