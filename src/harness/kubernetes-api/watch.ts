import type { ServerResponse } from 'node:http';
import type { Clock } from '../../base/index.ts';
import { ApiError } from './api-error.ts';
import type { Store, StoreEvent } from './store.ts';
import type { KubernetesObject } from './types.ts';

export interface WatchRequest {
  readonly collection: string;
  readonly matches: (object: KubernetesObject) => boolean;
  /** An object as this client wants it (of its form and version). */
  readonly encode: (object: KubernetesObject) => unknown;
  /** An object without content at that version, of the client's form. */
  readonly bookmark: (version: number, annotations: Record<string, string> | undefined) => unknown;
  /** Tell of the changes after this version; undefined: begin with all objects there are. */
  readonly from: number | undefined;
  readonly bookmarks: boolean;
  /** The client wants to be told when it has all objects that were there at first. */
  readonly initialEvents: boolean;
  /** Seconds after which the watch ends. */
  readonly timeoutSeconds: number;
}

/** Milliseconds between bookmarks, as with the real server. */
const BOOKMARK_MS = 60_000;
/** Bytes that may wait for a client that does not read; then it is dropped, as the real server drops slow watchers. */
const MOST_WAITING = 32 * 1024 * 1024;

/**
 * One watch: writes each change to the client within the write that makes it. It ends with its time, with the client's connection or
 * with `end`, and then holds nothing any more.
 */
export class Watch {
  readonly #store: Store;
  readonly #request: WatchRequest;
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #cancel: (() => void)[] = [];
  /** Bytes that the client was given to begin with, which may wait for it. */
  #allowance = 0;
  #cancelBookmark: () => void = () => undefined;

  constructor(store: Store, clock: Clock, request: WatchRequest, response: ServerResponse) {
    this.#store = store;
    this.#clock = clock;
    this.#request = request;
    this.#response = response;
  }

  /** `onEnd` is called once when the watch is over. */
  start(onEnd: () => void): void {
    const response = this.#response;
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    response.once('close', () => {
      for (const cancel of this.#cancel) cancel();
      this.#cancelBookmark();
      onEnd();
    });
    try {
      this.#catchUp();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#write('ERROR', error.status);
      response.end();
      return;
    }
    // Whoever begins after a version that was never reached (the store is older now) hears nothing until it is, as of the real server.
    const { collection, from = 0 } = this.#request;
    this.#cancel.push(this.#store.listen(collection, (event) => event.version > from && this.#tell(event)));
    this.#cancel.push(this.#clock.after(this.#request.timeoutSeconds * 1000, () => this.end()));
    if (this.#request.bookmarks) this.#scheduleBookmark();
  }

  end(): void {
    if (this.#request.bookmarks && !this.#response.writableEnded) this.#bookmark();
    this.#response.end();
  }

  #catchUp(): void {
    const { collection, from, matches, encode, initialEvents } = this.#request;
    if (from !== undefined) {
      for (const event of this.#store.since(collection, from)) this.#tell(event);
      return;
    }
    for (const [, object] of this.#store.list(collection)) {
      if (matches(object)) this.#write('ADDED', encode(object));
      this.#allowance = this.#response.writableLength;
    }
    if (initialEvents) this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
  }

  /** An object that begins or ceases to match appears or disappears for this client. */
  #tell(event: StoreEvent): void {
    const { matches, encode } = this.#request;
    const before = event.previous !== undefined && matches(event.previous);
    const after = event.type !== 'DELETED' && matches(event.object);
    if (after) this.#write(before ? 'MODIFIED' : 'ADDED', encode(event.object));
    else if (before) this.#write('DELETED', encode(event.type === 'DELETED' ? event.object : atVersion(event.previous, event.version)));
  }

  #write(type: string, object: unknown): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
    if (this.#response.writableLength > this.#allowance + MOST_WAITING) this.#response.destroy();
  }

  #bookmark(annotations?: Record<string, string>): void {
    this.#write('BOOKMARK', this.#request.bookmark(this.#store.version, annotations));
  }

  #scheduleBookmark(): void {
    this.#cancelBookmark = this.#clock.after(BOOKMARK_MS, () => {
      this.#bookmark();
      this.#scheduleBookmark();
    });
  }
}

/** As it last matched, with the version of the change by which it ceased to. */
function atVersion(object: KubernetesObject | undefined, version: number): KubernetesObject {
  const last = object ?? { apiVersion: '', kind: '', metadata: { name: '' } };
  return { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } };
}
