import type { Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import { AgentHttp } from './agent-http.ts';
import { decodeEvent, encodeCall, type ContentType } from './codec.ts';
import type { MesosEnvironment } from './environment.ts';
import { EventQueue } from './event-queue.ts';
import type { Ledger, TaskReport, TaskUpdate } from './ledger.ts';
import type { Call, CallBody, Event } from './messages.ts';
import { Outbox } from './outbox.ts';
import { longestPauseMs, Subscription } from './subscription.ts';
import { uuidText } from './uuid.ts';

export interface AgentConnectionOptions {
  readonly environment: MesosEnvironment;
  readonly contentType: ContentType;
  readonly ledger: Ledger;
  readonly logger: Logger;
  readonly clock: Clock;
  /**
   * Strictly in order, one after the other: the next event waits for the promise, the reading of the stream does not.
   * ACKNOWLEDGED is in the ledger already, HEARTBEAT is not handed over, SHUTDOWN only once. A LAUNCH must be in the ledger before
   * the first await: what is not there when the stream breaks, the agent takes for a task that never arrived.
   */
  readonly onEvent: (event: Event) => void | Promise<void>;
  /** Nobody waits for that update any more: the agent has acknowledged it, or will never take it. Once. */
  readonly onSettled?: (uuid: Uint8Array, how: 'acknowledged' | 'refused') => void;
  readonly onSubscribed?: () => void;
  readonly onDisconnected?: () => void;
  /** Once: the agent was away longer than the recovery timeout, or is gone and nothing is checkpointed. */
  readonly onLost: (reason: string) => void;
  /** Most bytes of one event, 64 MiB unless told. */
  readonly recordLimitBytes?: number;
  /** How long the agent may take to begin an answer, milliseconds; 15 s unless told. */
  readonly answerTimeoutMs?: number;
}

const ANSWER_TIMEOUT_MS = 15_000;
/** As often as the agent's own (Mesos src/slave/constants.hpp). */
const HEARTBEAT_INTERVAL_MS = 30 * 60_000;
/** A stream of an agent that sends heartbeats (every 30 minutes: no flag changes it) is dead when two of them are missing, milliseconds. */
const LONGEST_SILENCE_MS = 65 * 60_000;
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/**
 * The executor's side of the Executor HTTP API: one connection for the event stream, one for calls.
 *
 * Between awaits: the outbox is open only while the agent has our subscription, or has ended the stream in order (then
 * it still takes updates); while a SUBSCRIBE is on its way, which carries every unacknowledged update, it is closed.
 */
export class AgentConnection {
  readonly #options: AgentConnectionOptions;
  readonly #http: AgentHttp;
  readonly #subscription: Subscription;
  readonly #outbox: Outbox;
  readonly #events: EventQueue;
  /** Updates in the SUBSCRIBE that was sent last. */
  #inSubscribe: readonly string[] = [];
  #awaitsFirstEvent = false;
  #shutdownSeen = false;
  #cancelHeartbeat: (() => void) | undefined;
  /** Those who wait in `flush`. */
  readonly #flushes = new Set<(all: boolean) => void>();
  /** Keeps the process alive between two tries, when nothing else may: all other timers are those of `clock`. */
  #alive: NodeJS.Timeout | undefined;
  /** The agent is one that sends heartbeats. */
  #beats = false;
  #cancelSilence: (() => void) | undefined;

  constructor(options: AgentConnectionOptions) {
    this.#options = options;
    const { environment, contentType, logger, clock } = options;
    this.#http = new AgentHttp({
      agent: environment.agent,
      contentType,
      authenticationToken: environment.authenticationToken,
      answerTimeoutMs: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
    });
    this.#outbox = new Outbox({
      post: (call, signal) => this.#http.call(this.#encode(call), signal),
      logger,
      clock,
      longestPauseMs: longestPauseMs(environment),
      onNotSubscribed: (reason) => this.#subscription.renew(reason),
      onRefused: (taskId, uuid) => this.#settled(taskId, uuid, 'refused'),
      onEmpty: () => this.#endFlushesIfQuiet(),
    });
    this.#events = new EventQueue(options.onEvent, (event, error) => logger.error('an event could not be handled', { type: event.type, error }));
    this.#subscription = new Subscription({
      http: this.#http,
      environment,
      logger,
      clock,
      recordLimitBytes: options.recordLimitBytes,
      firstEventTimeoutMs: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
      subscribe: () => this.#subscribe(),
      onOpen: () => this.#opened(),
      onRecord: (record) => this.#received(decodeEvent(record, contentType)),
      onClosed: (agentLives) => this.#closed(agentLives),
      onLost: (reason) => this.#lost(reason),
    });
  }

  start(): void {
    this.#alive ??= setInterval(() => undefined, LONGEST_INTERVAL_MS);
    this.#subscription.start();
  }

  /** Queued; goes out in order on the second connection. An UPDATE must come from the ledger: `update` does both. */
  send(call: CallBody): void {
    const update = call.type === 'UPDATE' && call.update.status.uuid !== undefined ? this.#options.ledger.pending(call.update.status.uuid) : undefined;
    if (update !== undefined) this.#outbox.update(update);
    else this.#outbox.send(call);
  }

  /** Records the update and sends it until it is acknowledged. Undefined when the ledger refuses it. */
  update(report: TaskReport): TaskUpdate | undefined {
    const update = this.#options.ledger.update(report);
    if (update !== undefined) this.#outbox.update(update);
    return update;
  }

  /** To the framework's scheduler; Mesos promises nothing about its arrival. */
  message(data: Uint8Array): void {
    this.#outbox.send({ type: 'MESSAGE', message: { data } });
  }

  /** Sent by itself every 30 minutes while subscribed. */
  heartbeat(): void {
    this.#outbox.send({ type: 'HEARTBEAT' });
  }

  /**
   * True when all updates are acknowledged; false when the time (milliseconds) is over, or the agent lost. Messages that wait are sent meanwhile. An agent that has not even taken all
   * of them is given up to `deliveryMs`: a slow one may, where one without a framework takes them and never acknowledges.
   */
  flush(timeoutMs: number, deliveryMs = timeoutMs): Promise<boolean> {
    const { clock } = this.#options;
    const until = clock.elapsed() + deliveryMs;
    if (this.#isQuiet()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (all: boolean): void => {
        cancel();
        this.#flushes.delete(settle);
        resolve(all);
      };
      const late = (): void => {
        const leftMs = until - clock.elapsed();
        if (leftMs > 0 && this.#outbox.holdsUpdates) cancel = clock.after(Math.min(timeoutMs, leftMs), late);
        else settle(this.#options.ledger.pendingUpdates === 0);
      };
      let cancel = clock.after(timeoutMs, late);
      this.#flushes.add(settle);
    });
  }

  /** Closes both connections; no handle is left when it resolves. Events that nobody has begun to handle are dropped. */
  async stop(): Promise<void> {
    this.#events.close();
    this.#endFlushes(false);
    this.#cancelHeartbeat?.();
    this.#cancelSilence?.();
    clearInterval(this.#alive);
    const stopped = Promise.all([this.#subscription.stop(), this.#outbox.stop()]);
    this.#http.closeCalls();
    await stopped;
  }

  #encode(body: CallBody): Uint8Array {
    const { executorId, frameworkId } = this.#options.environment;
    const call: Call = { executor_id: { value: executorId }, framework_id: { value: frameworkId }, ...body };
    return encodeCall(call, this.#options.contentType);
  }

  #subscribe(): Uint8Array {
    // nobody has begun with these: the agent learns from their absence that they did not arrive
    const dropped = this.#events.drop(({ type }) => type === 'LAUNCH' || type === 'LAUNCH_GROUP');
    if (dropped > 0) this.#options.logger.warn('dropped launches that were not begun when the stream broke', { dropped });
    this.#outbox.close();
    this.#awaitsFirstEvent = true;
    const subscribe = this.#options.ledger.subscribe();
    this.#inSubscribe = this.#options.ledger.unacknowledged().updates.map(({ status }) => uuidText(status.uuid));
    return this.#encode({ type: 'SUBSCRIBE', subscribe });
  }

  #opened(): void {
    this.#scheduleHeartbeat();
    this.#options.onSubscribed?.();
  }

  /** Something came. What is between us and the agent may keep our connection and have lost the agent's: TCP does not tell that. */
  #heard(event: Event): void {
    this.#beats ||= event.type === 'HEARTBEAT';
    this.#cancelSilence?.();
    if (this.#beats) this.#cancelSilence = this.#options.clock.after(LONGEST_SILENCE_MS, () => this.#subscription.renew('nothing came for longer than two heartbeats'));
  }

  #received(event: Event): void {
    this.#heard(event);
    if (this.#awaitsFirstEvent) {
      this.#awaitsFirstEvent = false;
      // after a SHUTDOWN in place of SUBSCRIBED nothing tells whether the agent has looked at the updates
      if (event.type === 'SUBSCRIBED') this.#outbox.delivered(this.#inSubscribe);
      this.#outbox.open();
    }
    switch (event.type) {
      case 'HEARTBEAT':
        return;
      case 'SHUTDOWN':
        if (this.#shutdownSeen) return;
        this.#shutdownSeen = true;
        break;
      case 'ACKNOWLEDGED':
        this.#settled(event.acknowledged.task_id.value, event.acknowledged.uuid, 'acknowledged');
        break;
      case 'UNKNOWN':
        this.#options.logger.info('an event of a type that this version does not know', { type: event.value });
        return;
      default:
        break;
    }
    this.#events.push(event);
  }

  /** The one way by which an update leaves the ledger. */
  #settled(taskId: string, uuid: Uint8Array, how: 'acknowledged' | 'refused'): void {
    if (!this.#options.ledger.acknowledge(taskId, uuid)) return;
    this.#outbox.delivered([uuidText(uuid)]);
    this.#options.onSettled?.(uuid, how);
    this.#endFlushesIfQuiet();
  }

  /** Nothing is left to be said, nor to be heard of what was. */
  #isQuiet(): boolean {
    return this.#options.ledger.pendingUpdates === 0 && this.#outbox.isEmpty;
  }

  #closed(agentLives: boolean): void {
    this.#cancelHeartbeat?.();
    this.#cancelSilence?.();
    if (!agentLives) {
      this.#outbox.close();
      this.#http.closeCalls();
    }
    this.#options.onDisconnected?.();
  }

  #lost(reason: string): void {
    this.#outbox.close();
    this.#http.closeCalls();
    this.#endFlushes(false);
    this.#options.onLost(reason);
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat?.();
    this.#cancelHeartbeat = this.#options.clock.after(HEARTBEAT_INTERVAL_MS, () => {
      this.heartbeat();
      this.#scheduleHeartbeat();
    });
  }

  #endFlushesIfQuiet(): void {
    if (this.#isQuiet()) this.#endFlushes(true);
  }

  #endFlushes(all: boolean): void {
    for (const settle of [...this.#flushes]) settle(all);
  }
}
