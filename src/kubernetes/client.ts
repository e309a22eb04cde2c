import { aborted, isCode, KmError, systemClock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { ClusterAccess } from './access.ts';
import { brokeOnTheWay, errorOfAnswer, errorOfFailure, KubernetesError } from './kubernetes-error.ts';
import { pathOf, type KubeObject, type NamedResource, type Resource } from './object.ts';
import type { DeleteOptions, GetOptions, ListOptions, ObjectList, PatchType, RequestOptions, SubresourceOptions } from './request-options.ts';
import { TokenBucket } from './token-bucket.ts';
import { Transport } from './transport.ts';
import { urlTemplate } from './url-template.ts';

const PATCH_CONTENT: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

const TIMEOUT_MS = 30_000;
/** Time for the first answer to a watch, milliseconds. */
const WATCH_START_MS = 30_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** A request that was sent, once it is known what came of it. */
export interface RequestEnd {
  readonly method: string;
  /** Of the API server, with its port. */
  readonly host: string;
  /** Without names and values: `https://host:6443/api/v1/nodes/%7Bname%7D`. */
  readonly url: string;
  /** The answer's status, or `<error>` where none came. */
  readonly code: string;
  /** Until all of the answer was there; absent for a watch, which lasts. */
  readonly seconds?: number;
}

export interface KubernetesClientOptions {
  readonly access: ClusterAccess;
  readonly logger: Logger;
  readonly userAgent?: string;
  /** Requests a second on the long run, watches not counted; no bound unless told. */
  readonly qps?: number;
  /** Requests at once before `qps` is felt; twice that unless told. */
  readonly burst?: number;
  /** Told of each request, those that are sent again too. */
  readonly onRequest?: (request: RequestEnd) => void;
}

/**
 * REST calls to one API server. Objects come and go as plain JSON, unknown fields included. All methods throw `KubernetesError`
 * (credentials that cannot be had: `KmError` with code `invalid` or `denied`); nothing is retried here but a request whose kept-alive
 * connection broke under it, and one with credentials that have just changed.
 */
export class KubernetesClient {
  readonly access: ClusterAccess;
  readonly #transport: Transport;
  readonly #logger: Logger;
  readonly #userAgent: string;
  readonly #bucket: TokenBucket | undefined;
  readonly #onRequest: (request: RequestEnd) => void;
  readonly #closed = new AbortController();

  constructor(options: KubernetesClientOptions) {
    this.access = options.access;
    this.#transport = new Transport(options.access);
    this.#logger = options.logger;
    this.#userAgent = options.userAgent ?? 'kubernetes-on-mesos';
    this.#onRequest = options.onRequest ?? (() => undefined);
    const { qps, burst } = options;
    if (qps !== undefined) this.#bucket = new TokenBucket({ perSecond: qps, burst: burst ?? qps * 2, clock: systemClock });
  }

  async get<T = KubeObject>(what: NamedResource, options: GetOptions = {}): Promise<T> {
    const query = { resourceVersion: options.resourceVersion };
    return (await this.#call({ method: 'GET', path: pathOf(what, options.subresource), query }, options)) as T;
  }

  /** One page (`limit`, `continue`), or all. */
  async list<T = KubeObject>(what: Resource, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { fieldSelector, labelSelector, limit, resourceVersion, continue: token } = options;
    const query = { fieldSelector, labelSelector, limit, resourceVersion, continue: token };
    const list = (await this.#call({ method: 'GET', path: pathOf(what), query }, options)) as {
      items?: T[] | null;
      metadata?: { resourceVersion?: string; continue?: string };
    };
    // A list without items or version is no list: to take it for an empty one would end every pod.
    if (!Array.isArray(list.items) && list.items !== null) throw new KubernetesError('internal', `GET ${pathOf(what)}: the answer is no list`);
    if (list.metadata?.resourceVersion === undefined) throw new KubernetesError('internal', `GET ${pathOf(what)}: the list has no resourceVersion`);
    const next = list.metadata.continue;
    return { items: list.items ?? [], resourceVersion: list.metadata.resourceVersion, ...(next !== undefined && next !== '' && { continue: next }) };
  }

  /** POST to the collection; with `name` and `subresource` to that (binding, eviction, token). */
  async create<T = KubeObject>(what: Resource & { readonly name?: string }, body: object, options: SubresourceOptions = {}): Promise<T> {
    return (await this.#call({ method: 'POST', path: pathOf(what, options.subresource), body }, options)) as T;
  }

  async replace<T = KubeObject>(what: NamedResource, body: object, options: SubresourceOptions = {}): Promise<T> {
    return (await this.#call({ method: 'PUT', path: pathOf(what, options.subresource), body }, options)) as T;
  }

  async patch<T = KubeObject>(what: NamedResource, type: PatchType, body: object, options: SubresourceOptions = {}): Promise<T> {
    return (await this.#call({ method: 'PATCH', path: pathOf(what, options.subresource), body, contentType: PATCH_CONTENT[type] }, options)) as T;
  }

  /** The object as it was when it went, or (graceful deletion) as it is now, or a `Status`. */
  async delete(what: NamedResource, options: DeleteOptions = {}): Promise<KubeObject> {
    const { gracePeriodSeconds, uid, propagationPolicy } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy, ...(uid !== undefined && { preconditions: { uid } }) };
    return (await this.#call({ method: 'DELETE', path: pathOf(what), body }, options)) as KubeObject;
  }

  /**
   * Opens a watch: the bytes of its events, one JSON object a line, until the server ends it, `signal` aborts or nothing came
   * for `idleMs` (code `timeout`). Used by `watchResource`.
   */
  async watch(what: Resource, query: Query, options: { signal: AbortSignal; idleMs: number }): Promise<AsyncIterable<Buffer>> {
    const call: Call = { method: 'GET', path: pathOf(what), query: { ...query, watch: true } };
    const response = await this.#transport.watches
      .request({ ...(await this.#request(call)), signal: options.signal, headersTimeout: WATCH_START_MS, bodyTimeout: options.idleMs })
      .catch((error: unknown) => {
        this.#sent(call, undefined);
        throw options.signal.aborted ? aborted(options.signal) : errorOfFailure(nameOf(call), error);
      });
    this.#sent(call, response.statusCode);
    if (response.statusCode === 401) this.access.renew();
    if (response.statusCode !== 200) {
      const text = await response.body.text().catch(() => '');
      throw errorOfAnswer(nameOf(call), response.statusCode, text, header(response.headers['retry-after']));
    }
    return translated(response.body as AsyncIterable<Buffer>, nameOf(call));
  }

  /** Ends all requests and watches and closes all connections. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#transport.close();
  }

  async #call(call: Call, options: RequestOptions): Promise<unknown> {
    const end = new AbortController();
    const onAbort = (): void => end.abort(options.signal === undefined ? undefined : aborted(options.signal));
    const onClosed = (): void => end.abort(new KubernetesError('aborted', 'the client is closed'));
    if (options.signal?.aborted === true) throw aborted(options.signal);
    if (this.#closed.signal.aborted) onClosed();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    this.#closed.signal.addEventListener('abort', onClosed, { once: true });
    const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    const cancel = systemClock.after(timeoutMs, () => end.abort(new KubernetesError('timeout', `${nameOf(call)}: no answer within ${timeoutMs / 1000} s`)));
    try {
      await this.#bucket?.take(end.signal);
      return await this.#sendTwice(call, end.signal);
    } catch (error) {
      throw end.signal.aborted && end.signal.reason instanceof KmError ? end.signal.reason : error;
    } finally {
      cancel();
      options.signal?.removeEventListener('abort', onAbort);
      this.#closed.signal.removeEventListener('abort', onClosed);
    }
  }

  async #sendTwice(call: Call, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#send(call, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      if (isCode(error, 'denied') && error instanceof KubernetesError && error.reason === 'Unauthorized') {
        if (await this.#renewed()) return this.#send(call, signal);
      }
      // Only a POST is not the same when it is done twice.
      if (call.method !== 'POST' && brokeOnTheWay(error)) return this.#send(call, signal);
      throw error;
    }
  }

  /** Reads the credentials anew; true when they are others than before. */
  async #renewed(): Promise<boolean> {
    const before = [await this.access.authorization(), await this.access.tls()];
    this.access.renew();
    const now = [await this.access.authorization(), await this.access.tls()];
    if (JSON.stringify(before) === JSON.stringify(now)) return false;
    this.#logger.info('the credentials of the Kubernetes API have changed');
    this.#transport.reconnect();
    return true;
  }

  async #send(call: Call, signal: AbortSignal): Promise<unknown> {
    const request = await this.#request(call);
    const began = performance.now();
    let status: number | undefined;
    try {
      const response = await this.#transport.requests.request({ ...request, signal, headersTimeout: 0, bodyTimeout: 0 });
      status = response.statusCode;
      const text = await response.body.text();
      if (response.statusCode < 200 || response.statusCode > 299) {
        throw errorOfAnswer(nameOf(call), response.statusCode, text, header(response.headers['retry-after']));
      }
      const answer = parsed(text);
      if (typeof answer !== 'object' || answer === null) throw new KubernetesError('internal', `${nameOf(call)}: the answer is no JSON object`);
      return answer;
    } catch (error) {
      throw errorOfFailure(nameOf(call), error);
    } finally {
      this.#sent(call, status, (performance.now() - began) / 1000);
    }
  }

  #sent({ method, path, query }: Call, status: number | undefined, seconds?: number): void {
    const { origin, host, pathname } = new URL(this.access.server);
    const url = `${origin}${pathname.replace(/\/+$/, '')}${urlTemplate(path, query)}`;
    this.#onRequest({ method, host, url, code: status === undefined ? '<error>' : String(status), ...(seconds !== undefined && { seconds }) });
  }

  async #request(call: Call): Promise<{ method: Method; path: string; headers: Record<string, string>; body?: string }> {
    const authorization = await this.access.authorization();
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': this.#userAgent };
    if (authorization !== undefined) headers['authorization'] = authorization;
    const prefix = new URL(this.access.server).pathname.replace(/\/+$/, '');
    const path = `${prefix}${call.path}${queryOf(call.query ?? {})}`;
    if (call.body === undefined) return { method: call.method, path, headers };
    headers['content-type'] = call.contentType ?? 'application/json';
    return { method: call.method, path, headers, body: JSON.stringify(call.body) };
  }
}

/** The request in a few words, for messages: without its query. */
const nameOf = (call: Call): string => `${call.method} ${call.path}`;

const header = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

function queryOf(query: Query): string {
  const set = Object.entries(query).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, String(value)]]));
  return set.length === 0 ? '' : `?${new URLSearchParams(set).toString()}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* translated(body: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  try {
    yield* body;
  } catch (error) {
    throw errorOfFailure(what, error);
  }
}
