import { Backoff, isCode, KmError, messageOf, sleep, type Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { AgentHttp, Stream } from './agent-http.ts';
import type { MesosEnvironment } from './environment.ts';
import { RecordDecoder } from './recordio.ts';

export interface SubscriptionOptions {
  readonly http: AgentHttp;
  readonly environment: Pick<MesosEnvironment, 'checkpoint' | 'recoveryTimeoutMs' | 'subscriptionBackoffMaxMs'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly recordLimitBytes: number | undefined;
  /** How long after its 200 the agent may take to send something, milliseconds. */
  readonly firstEventTimeoutMs: number;
  /** The SUBSCRIBE to send now. */
  readonly subscribe: () => Uint8Array;
  /** The agent has taken the subscription: the first record is there, and follows. */
  readonly onOpen: () => void;
  /** One record of the stream; what it throws ends the stream as garbage does. */
  readonly onRecord: (record: Uint8Array) => void;
  /** The stream is over. `agentLives`: the agent ended it in order, or we did. */
  readonly onClosed: (agentLives: boolean) => void;
  /** Called once, and nothing after it. */
  readonly onLost: (reason: string) => void;
}

/** How a try to subscribe ended. */
interface Ended {
  /** When the first record came, as the clock's `elapsed` has it; absent when none did. */
  readonly openedAt?: number;
  readonly reason: string;
  readonly agentLives: boolean;
}

/** First pause after a lost stream, milliseconds: an agent that restarts refuses only for some hundred. */
const FIRST_PAUSE_MS = 25;
/** A stream that lasts this long, milliseconds, has worked: the next pause is short again. */
const PROVEN_MS = 1_000;
/** Without checkpointing, how long a first subscription may take: after this the agent kills an executor anyway. */
const REGISTRATION_TIMEOUT_MS = 60_000;

/**
 * The longest pause between two tries. An agent that has recovered waits only 2 s for its executors, which is also its
 * default for the back-off's maximum: a quarter of that leaves room for a slow try.
 */
export function longestPauseMs(environment: Pick<MesosEnvironment, 'subscriptionBackoffMaxMs'>): number {
  return Math.max(FIRST_PAUSE_MS, environment.subscriptionBackoffMaxMs / 4);
}

/**
 * Keeps the executor subscribed: opens the event stream, and opens it anew when it is lost, until the recovery timeout has
 * passed since it was lost. One try at a time; no timer and no request is left after `stop` or `onLost`.
 */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #stop = new AbortController();
  readonly #backoff: Backoff;
  #loop: Promise<void> | undefined;
  #stream: Stream | undefined;
  /** Why we broke the stream ourselves, if we did. */
  #broken: string | undefined;
  /** Takes back the timer after which the agent counts as lost; it runs while we are not subscribed. */
  #cancelDeadline: (() => void) | undefined;
  #everOpened = false;
  #lastFailure = '';

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ initialMs: FIRST_PAUSE_MS, maxMs: longestPauseMs(options.environment) });
  }

  start(): void {
    this.#startDeadline('never subscribed');
    this.#loop ??= this.#run();
  }

  /** Ends the stream as if it were lost, and subscribes anew: the agent does not know us as subscribed. */
  renew(reason: string): void {
    if (this.#stream === undefined) return;
    this.#broken ??= reason;
    void this.#stream.close();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new KmError('aborted', 'stopped'));
    this.#cancelDeadline?.();
    await this.#stream?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const ended = await this.#tryOnce();
      if (this.#stopped()) return;
      if (this.#isOver(ended)) return this.#lose(ended.reason);
      if (ended.openedAt !== undefined) {
        this.#startDeadline(ended.reason);
        if (clock.elapsed() - ended.openedAt >= PROVEN_MS) this.#backoff.reset();
      }
      await sleep(clock, this.#backoff.next(), signal).catch(() => undefined); // aborted: the loop ends by itself
    }
  }

  /** Without checkpointing an agent that goes away forgets us: there is nothing to come back to. */
  #isOver({ openedAt, agentLives }: Ended): boolean {
    if (this.#options.environment.checkpoint || !this.#everOpened) return false;
    return openedAt === undefined || !agentLives;
  }

  async #tryOnce(): Promise<Ended> {
    let stream: Stream;
    try {
      stream = await this.#options.http.subscribe(this.#options.subscribe(), this.#stop.signal);
    } catch (error) {
      return this.#refused(messageOf(error), isCode(error, 'unavailable', 'timeout', 'aborted') ? 'warn' : 'error');
    }
    if (stream.status !== 200) {
      // 404 and 503: the agent has just begun, or recovers (Mesos src/executor/executor.cpp waits for it too)
      const level = stream.status === 404 || stream.status >= 500 ? 'warn' : 'error';
      return this.#refused(`${stream.status}${stream.text === '' ? '' : ` ${stream.text}`}`, level, stream);
    }
    return this.#stopped() ? this.#refused('stopped', 'warn', stream) : this.#read(stream);
  }

  /** Says why there is no subscription, once as long as it stays the same. */
  async #refused(reason: string, level: 'warn' | 'error', stream?: Stream): Promise<Ended> {
    await stream?.close();
    if (!this.#stopped()) {
      const news = reason !== this.#lastFailure;
      this.#options.logger[news ? level : 'debug']('the agent does not take the subscription, trying again', { reason });
      this.#lastFailure = reason;
    }
    return { reason, agentLives: false };
  }

  async #read(stream: Stream): Promise<Ended> {
    const { clock, onRecord, firstEventTimeoutMs, recordLimitBytes } = this.#options;
    let openedAt: number | undefined;
    let failure: unknown;
    this.#stream = stream;
    this.#broken = undefined;
    const cancelFirst = clock.after(firstEventTimeoutMs, () => this.renew('200, but no event'));
    try {
      const decoder = new RecordDecoder(recordLimitBytes === undefined ? {} : { limitBytes: recordLimitBytes });
      for await (const chunk of stream.chunks) {
        for (const record of decoder.push(chunk)) {
          if (openedAt === undefined) {
            openedAt = clock.elapsed();
            cancelFirst();
            this.#opened();
          }
          onRecord(record);
        }
      }
      decoder.end();
    } catch (error) {
      failure = error;
    }
    cancelFirst();
    this.#stream = undefined;
    const reason = this.#broken ?? (failure === undefined ? 'the agent ended the event stream' : messageOf(failure));
    if (openedAt === undefined) return this.#refused(reason, 'warn', stream);
    await stream.close();
    const agentLives = this.#broken !== undefined || !isCode(failure, 'unavailable', 'timeout');
    this.#closed(reason, agentLives && failure !== undefined, agentLives);
    return { openedAt, reason, agentLives };
  }

  #opened(): void {
    this.#everOpened = true;
    this.#lastFailure = '';
    this.#cancelDeadline?.();
    this.#options.logger.info('subscribed with the agent');
    this.#options.onOpen();
  }

  /** `ours`: we gave the stream up. What we could not read, the agent learns of when we subscribe again without it. */
  #closed(reason: string, ours: boolean, agentLives: boolean): void {
    if (this.#stopped()) return;
    this.#options.logger[ours ? 'error' : 'warn']('the event stream is over', { reason });
    this.#options.onClosed(agentLives);
  }

  /** The recovery timeout counts from the disconnection, not from the last try. */
  #startDeadline(reason: string): void {
    const { environment, clock } = this.#options;
    const ms = environment.checkpoint ? environment.recoveryTimeoutMs : REGISTRATION_TIMEOUT_MS;
    this.#cancelDeadline?.();
    this.#cancelDeadline = clock.after(ms, () => this.#lose(`not subscribed for ${ms / 1000} s: ${this.#lastFailure === '' ? reason : this.#lastFailure}`));
  }

  #lose(reason: string): void {
    if (this.#stopped()) return;
    this.#stop.abort(new KmError('aborted', 'the agent is lost'));
    this.#cancelDeadline?.();
    this.#options.logger.error('the agent is lost', { reason });
    this.#options.onLost(reason);
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
