import { Backoff, isCode, messageOf, sleep, systemClock, type Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import { errorOfAnswer } from './kubernetes-error.ts';
import { linesOf } from './lines.ts';
import { listAll } from './list-all.ts';
import type { KubeObject, Resource } from './object.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchOptions<T> {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** All there is, from a fresh list: at the start and whenever the thread of events may be broken. */
  readonly onList: (items: T[], resourceVersion: string) => void;
  readonly onEvent: (type: WatchEventType, object: T) => void;
  /** Told of every failure (the first in a row is logged already); the watch goes on. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds without a byte after which the connection counts as dead; 90 s unless told (bookmarks come every 60 s). */
  readonly idleMs?: number;
  /** Randomness in [0, 1) for pauses and for the time a watch is asked to last. */
  readonly random?: () => number;
}

const IDLE_MS = 90_000;
/** The server is asked to end a watch after 5 to 10 minutes, so that watches spread over servers (client-go reflector). */
const WATCH_SECONDS = 300;
/** A watch that lived so long proves that the server is well, milliseconds. */
const PROVEN_MS = 5_000;
const PAUSE = { initialMs: 100, maxMs: 10_000 };

/** Lists, then watches, for ever: resolves only when `signal` aborts, and never rejects. */
export async function watchResource<T extends KubeObject>(options: WatchOptions<T>): Promise<void> {
  await new Watch(options).run();
}

/**
 * How a watch ended. `resume`: the thread of events is whole, go on after the last version. `relist`: it is not, or may not be (the server
 * has forgotten that version, or told of a thing that nobody understood).
 */
type End = { readonly then: 'resume' | 'relist'; readonly error?: unknown };

class Watch<T extends KubeObject> {
  readonly #options: WatchOptions<T>;
  readonly #clock: Clock;
  readonly #pause: Backoff;
  /** Version up to which all is told; absent: a list must come first. */
  #version: string | undefined;
  /** Failures since the server last proved to be well. */
  #failures = 0;
  /** It has been logged that something is wrong, and nothing has come since. */
  #ailing = false;

  constructor(options: WatchOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#pause = new Backoff({ ...PAUSE, ...(options.random !== undefined && { random: options.random }) });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        this.#version ??= await this.#list();
        const startedAt = this.#clock.elapsed();
        const end = await this.#follow(this.#version);
        if (end.then === 'relist') this.#version = undefined;
        if (end.error !== undefined) this.#tell(end.error);
        // The first end in a row is answered at once; a server that ends every watch soon is given time.
        if (this.#clock.elapsed() - startedAt >= PROVEN_MS) this.#reset();
        else if (this.#failures++ > 0) await this.#wait();
      } catch (error) {
        if (signal.aborted) return;
        this.#tell(error);
        // Not even a beginning: when the server is back it may be another one, whose versions mean other things.
        this.#version = undefined;
        this.#failures++;
        await this.#wait(error);
      }
    }
  }

  async #list(): Promise<string> {
    const { client, resource, fieldSelector, labelSelector, signal, onList } = this.#options;
    const list = await listAll<T>(client, resource, { signal, ...(fieldSelector !== undefined && { fieldSelector }), ...(labelSelector !== undefined && { labelSelector }) });
    if (!signal.aborted) onList(list.items, list.resourceVersion);
    if (this.#ailing) this.#options.logger.info('the Kubernetes API answers again', { resource: resource.resource });
    this.#ailing = false;
    return list.resourceVersion;
  }

  /** Watches after `version` until the stream ends. Throws when it cannot even begin. */
  async #follow(version: string): Promise<End> {
    const { client, resource, fieldSelector, labelSelector, signal, idleMs, random = Math.random } = this.#options;
    const timeoutSeconds = Math.round(WATCH_SECONDS * (1 + random()));
    const query = { resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds, fieldSelector, labelSelector };
    let bytes: AsyncIterable<Buffer>;
    try {
      bytes = await client.watch(resource, query, { signal, idleMs: idleMs ?? IDLE_MS });
    } catch (error) {
      if (isCode(error, 'conflict')) return { then: 'relist' }; // 410: that version is too old
      throw error;
    }
    try {
      for await (const line of linesOf(bytes)) {
        if (signal.aborted) break;
        const end = this.#take(line);
        if (end !== undefined) return end;
      }
      return { then: 'resume' };
    } catch (error) {
      // The connection broke or fell silent; a line that was cut in two has not been counted.
      return isCode(error, 'unavailable', 'timeout', 'aborted') ? { then: 'resume' } : { then: 'relist', error };
    }
  }

  /** One line of the stream; an `End` when the watch is over with it. */
  #take(line: string): End | undefined {
    const { signal, onEvent } = this.#options;
    const event = eventIn<T>(line);
    if (event === undefined) return { then: 'relist', error: new Error(`malformed line in a watch, ${line.length} characters`) };
    if (event.type === 'ERROR') {
      const code = (event.object as { code?: number }).code ?? 500;
      const error = errorOfAnswer(`WATCH ${this.#options.resource.resource}`, code, JSON.stringify(event.object));
      return code === 410 ? { then: 'relist' } : { then: 'relist', error };
    }
    const version = event.object.metadata?.resourceVersion;
    if (version === undefined) return { then: 'relist', error: new Error(`an event without a resourceVersion in a watch: ${event.type}`) };
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        if (!signal.aborted) onEvent(event.type, event.object);
        break;
      default: // BOOKMARK, or a kind of later days: only its version matters
    }
    this.#version = version;
    return undefined;
  }

  #reset(): void {
    this.#failures = 0;
    this.#pause.reset();
  }

  #tell(error: unknown): void {
    const { logger, resource, onError } = this.#options;
    const fields = { resource: resource.resource, namespace: resource.namespace, error: messageOf(error) };
    if (this.#ailing) logger.debug('watch still interrupted', fields);
    else logger.warn('watch interrupted', fields);
    this.#ailing = true;
    onError?.(error);
  }

  async #wait(error?: unknown): Promise<void> {
    await sleep(this.#clock, this.#pause.next(error), this.#options.signal).catch(() => undefined);
  }
}

interface WatchEvent<T> {
  readonly type: string;
  readonly object: T;
}

function eventIn<T>(line: string): WatchEvent<T> | undefined {
  try {
    const event = JSON.parse(line) as WatchEvent<T> | null;
    const whole = typeof event?.type === 'string' && typeof event.object === 'object' && event.object !== null;
    return whole ? event : undefined;
  } catch {
    return undefined;
  }
}
