import { Backoff, isCode, KmError, messageOf, sleep, type Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { Answer } from './agent-http.ts';
import type { TaskUpdate } from './ledger.ts';
import type { CallBody } from './messages.ts';
import { uuidText } from './uuid.ts';

export interface OutboxOptions {
  readonly post: (call: CallBody, signal: AbortSignal) => Promise<Answer>;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Longest pause between two tries of the same call, milliseconds. */
  readonly longestPauseMs: number;
  /** The agent says that we are not subscribed. */
  readonly onNotSubscribed: (reason: string) => void;
  /** The agent will never take this update. */
  readonly onRefused: (taskId: string, uuid: Uint8Array) => void;
  /** Nothing waits, or is under way, any more. */
  readonly onEmpty: () => void;
}

/** A call that waits, or is under way. Updates bear their uuid as text. */
interface Item {
  readonly call: CallBody;
  readonly uuid?: string;
}

const FIRST_PAUSE_MS = 25;
/** Messages that nobody could take so far; beyond it the oldest are dropped: Mesos promises nothing for them. */
const MOST_MESSAGES = 256;

/**
 * The calls on the second connection: one at a time, in the order in which they were given. While it is closed, nothing is
 * sent. A call that the agent could not take is sent again, and those behind it wait, so that no update overtakes another.
 *
 * Invariant: an update is in here at most once; it leaves when it is sent, acknowledged or part of a subscription.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #backoff: Backoff;
  #queue: Item[] = [];
  #open = false;
  /** Ends the pause between two tries when the outbox closes; aborts requests when it stops. */
  #pause = new AbortController();
  readonly #stop = new AbortController();
  #pumping: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ initialMs: FIRST_PAUSE_MS, maxMs: options.longestPauseMs });
  }

  update(update: TaskUpdate): void {
    this.#add({ call: { type: 'UPDATE', update }, uuid: uuidText(update.status.uuid) });
  }

  send(call: CallBody): void {
    const messages = this.#queue.filter(({ uuid }) => uuid === undefined);
    if (messages.length >= MOST_MESSAGES) {
      this.#options.logger.warn('dropped a call: too many wait', { type: messages[0]?.call.type });
      this.#queue.splice(this.#queue.indexOf(messages[0] as Item), 1);
    }
    this.#add({ call });
  }

  /** Those updates need not be sent any more: the agent has them. */
  delivered(uuids: Iterable<string>): void {
    const gone = new Set(uuids);
    this.#queue = this.#queue.filter(({ uuid }) => uuid === undefined || !gone.has(uuid));
  }

  /** Updates wait, or are under way, that the agent has not taken yet. */
  get holdsUpdates(): boolean {
    return this.#queue.some(({ uuid }) => uuid !== undefined);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  open(): void {
    this.#open = true;
    this.#backoff.reset();
    this.#pump();
  }

  close(): void {
    this.#open = false;
    this.#pause.abort(new KmError('aborted', 'the outbox is closed'));
    this.#pause = new AbortController();
  }

  async stop(): Promise<void> {
    this.close();
    this.#stop.abort(new KmError('aborted', 'stopped'));
    await this.#pumping;
  }

  #add(item: Item): void {
    if (item.uuid !== undefined && this.#queue.some(({ uuid }) => uuid === item.uuid)) return;
    this.#queue.push(item);
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping !== undefined || !this.#ready()) return;
    this.#pumping = this.#drain().finally(() => {
      this.#pumping = undefined;
      this.#pump(); // what came, or opened, in the last moment
    });
  }

  #ready(): boolean {
    return this.#open && !this.#stop.signal.aborted && this.#queue.length > 0;
  }

  async #drain(): Promise<void> {
    while (this.#ready()) {
      const item = this.#queue[0] as Item;
      const again = await this.#sendOnce(item);
      if (again) {
        await sleep(this.#options.clock, this.#backoff.next(), this.#pause.signal).catch(() => undefined); // closed: `#ready` says so
      } else {
        this.#backoff.reset();
        this.#queue = this.#queue.filter((other) => other !== item);
        if (this.isEmpty) this.#options.onEmpty();
      }
    }
  }

  /** True when the call must be sent again. */
  async #sendOnce({ call, uuid }: Item): Promise<boolean> {
    let answer: Answer;
    try {
      answer = await this.#options.post(call, this.#stop.signal);
    } catch (error) {
      return this.#failed(call, error, uuid);
    }
    const { status, text } = answer;
    if (status < 300) return false;
    const fields = { type: call.type, status, text, ...taskOf(call) };
    if (status === 403 && /not subscribed/i.test(text)) {
      this.#options.logger.warn('the agent says that we are not subscribed', fields);
      this.#options.onNotSubscribed(text);
      return uuid !== undefined;
    }
    // 404 and 503: an agent that has just come back says so for up to 2 s, even when it has taken the subscription. 401 and 403: one whose key
    // for tokens, or whose rules, are being changed. 307: none is known to send us elsewhere; whatever does in its place will not do so for ever.
    if (([307, 401, 403, 404, 408, 429].includes(status) || status >= 500) && status !== 501) {
      this.#options.logger.debug('the agent cannot take the call now', fields);
      return uuid !== undefined;
    }
    this.#options.logger.error('the agent refuses the call', fields);
    if (status === 400 && call.type === 'UPDATE' && call.update.status.uuid !== undefined) {
      // it would refuse the same bytes each time, and with them the next subscription
      this.#options.onRefused(call.update.status.task_id.value, call.update.status.uuid);
    }
    return false;
  }

  #failed(call: CallBody, error: unknown, uuid: string | undefined): boolean {
    if (this.#stop.signal.aborted) return false;
    const fields = { type: call.type, error: messageOf(error), ...taskOf(call) };
    if (isCode(error, 'unavailable', 'timeout')) {
      this.#options.logger.debug('the call did not reach the agent', fields);
      return uuid !== undefined;
    }
    this.#options.logger.error('the call cannot be sent', fields);
    return false;
  }
}

function taskOf(call: CallBody): { task?: string } {
  return call.type === 'UPDATE' ? { task: call.update.status.task_id.value } : {};
}
