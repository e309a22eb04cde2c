import { Backoff, isCode, messageOf, sleep, systemClock, type Clock } from '../base/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import { EventCorrelator, touch } from './event-correlator.ts';

/** What an event is about. */
export type EventSubject = PodIdentity | { readonly node: string };

export type EventType = 'Normal' | 'Warning';

export interface EventRecorderOptions {
  readonly client: KubernetesClient;
  /** Name of the node: `source.host`. */
  readonly host: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Events that wait to be written; more are dropped. */
const QUEUE = 1000;
/** An event that the API would not take for so long is dropped, milliseconds. */
const MAX_AGE_MS = 600_000;
const LONGEST_MESSAGE = 4096;

/** One Event object as it is, or will be, in the API. Mutated by `event` until it is sent. */
interface EventRecord {
  readonly key: string;
  readonly namespace: string;
  readonly involvedObject: object;
  readonly type: EventType;
  readonly reason: string;
  name: string;
  message: string;
  count: number;
  firstAt: number;
  lastAt: number;
  /** The API has it. */
  written: boolean;
  queued: boolean;
}

/**
 * Writes v1 Events as the kubelet does. `event` never blocks and never throws; one write at a time goes out, in the order
 * of their first occurrence; the same event again only raises its `count`.
 *
 * Invariants between awaits: a record is in `#queue` exactly when `queued`; `#writing` is set while anything is queued.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #correlator = new EventCorrelator();
  readonly #records = new Map<string, EventRecord>();
  readonly #queue: EventRecord[] = [];
  readonly #stop = new AbortController();
  #writing: Promise<void> | undefined;
  #dropped = 0;
  #lastName = 0n;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** `fieldPath` e.g. `spec.containers{nginx}`. */
  event(subject: EventSubject, type: EventType, reason: string, message: string, options: { fieldPath?: string } = {}): void {
    if (this.#stop.signal.aborted) return;
    const now = this.#clock.now();
    const { namespace, name, involvedObject } = reference(subject, options.fieldPath);
    const text = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 3)}...` : message;
    const verdict = this.#correlator.judge({ subject: JSON.stringify(subject), part: options.fieldPath ?? '', type, reason, message: text }, now);
    if (verdict.drop || this.#queue.length >= QUEUE) {
      this.#dropped++;
      this.#options.logger.debug('event dropped', { reason, involvedObject });
      return;
    }
    const record = touch(this.#records, verdict.key, () => ({
      key: verdict.key,
      namespace,
      involvedObject,
      type,
      reason,
      name: this.#nameFor(name, now),
      message: verdict.message,
      count: 0,
      firstAt: now,
      lastAt: now,
      written: false,
      queued: false,
    }));
    record.count++;
    record.lastAt = now;
    record.message = verdict.message;
    if (!record.queued) {
      record.queued = true;
      this.#queue.push(record);
    }
    this.#writing ??= this.#drain();
  }

  /** Resolves when all events are written or dropped, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#writing === undefined) return;
    const enough = new AbortController();
    await Promise.race([this.#writing, sleep(this.#clock, timeoutMs, enough.signal).catch(() => undefined)]);
    enough.abort();
  }

  /** Drops what waits and ends what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#queue.length = 0;
    await this.#writing;
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // the caller goes on first
    const backoff = new Backoff({ initialMs: 250, maxMs: 10_000 });
    for (let record = this.#queue[0]; record !== undefined; record = this.#queue[0]) {
      const sent = record.count;
      try {
        await this.#write(record);
        backoff.reset();
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        if (isCode(error, 'unavailable', 'timeout') && this.#clock.now() - record.lastAt < MAX_AGE_MS) {
          await sleep(this.#clock, backoff.next(error), this.#stop.signal).catch(() => undefined);
          continue;
        }
        this.#dropped++;
        this.#records.delete(record.key);
        this.#options.logger.warn('event not written', { reason: record.reason, dropped: this.#dropped, error: messageOf(error) });
        record.count = sent; // whatever came meanwhile went with it
      }
      this.#queue.shift();
      record.queued = false;
      if (record.count > sent) {
        record.queued = true;
        this.#queue.push(record);
      }
    }
    this.#writing = undefined;
  }

  async #write(record: EventRecord): Promise<void> {
    const { client, host } = this.#options;
    const { signal } = this.#stop;
    const collection = { apiVersion: 'v1', resource: 'events', namespace: record.namespace };
    const { count, message } = record;
    const lastTimestamp = timestamp(record.lastAt);
    if (record.written) {
      try {
        await client.patch({ ...collection, name: record.name }, 'strategic', { count, message, lastTimestamp }, { signal });
        return;
      } catch (error) {
        if (!isCode(error, 'not-found')) throw error; // else it has expired in the API (1 h): write it anew
        record.name = this.#nameFor(record.name.slice(0, record.name.lastIndexOf('.')), this.#clock.now());
      }
    }
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: record.name, namespace: record.namespace },
      involvedObject: record.involvedObject,
      reason: record.reason,
      message,
      source: { component: 'kubelet', host },
      firstTimestamp: timestamp(record.firstAt),
      lastTimestamp,
      count,
      type: record.type,
    };
    await client.create(collection, body, { signal }).catch((error: unknown) => {
      if (!isCode(error, 'conflict')) throw error; // it got there although we were not told
    });
    record.written = true;
  }

  /** A name nobody else has: the subject's and the time in nanoseconds, as client-go does. */
  #nameFor(subject: string, now: number): string {
    const nanoseconds = BigInt(Math.trunc(now)) * 1_000_000n;
    this.#lastName = nanoseconds > this.#lastName ? nanoseconds : this.#lastName + 1n;
    return `${subject.slice(0, 253 - 17)}.${this.#lastName.toString(16)}`;
  }
}

/** RFC 3339 in whole seconds, as Kubernetes writes its times. */
const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

function reference(subject: EventSubject, fieldPath: string | undefined): { namespace: string; name: string; involvedObject: object } {
  if ('node' in subject) {
    // The kubelet gives its node's name for the UID, and `kubectl describe node` looks for that.
    return { namespace: 'default', name: subject.node, involvedObject: { kind: 'Node', name: subject.node, uid: subject.node } };
  }
  const { namespace, name, uid } = subject;
  return { namespace, name, involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, ...(fieldPath !== undefined && { fieldPath }) } };
}
