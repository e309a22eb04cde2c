import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CIPHERS, KmError, systemClock, type Clock } from '../../base/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import { ApiError, badRequest, unauthorized } from './api-error.ts';
import { headOf, parseBody, readCall, type Call, type User } from './call.ts';
import { selfSigned, type Identity } from './certificate.ts';
import { initialObjects, namespaceContent } from './initial-objects.ts';
import { isObject } from './json.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { NodeMetrics } from './node-metrics.ts';
import { NodeProxy } from './node-proxy.ts';
import { asObject, Registry } from './registry.ts';
import { refuse, refuseUnread, send, type Reply } from './reply.ts';
import { collectionOf, resourceNamed, resourceOfKind, RESOURCES, type Resource } from './resources.ts';
import { errorReply, Server } from './server.ts';
import { keyOf, Store, type Backup } from './store.ts';
import type { ApiChange, ApiRequest, KubernetesObject, ObjectKey, ResourceKey } from './types.ts';
import { Users } from './users.ts';
import { Watch } from './watch.ts';

export interface EmbeddedApiOptions {
  /** Address to listen on; `127.0.0.1` unless told. Without `tls` nothing but a loopback address is safe. */
  readonly host?: string;
  /** TLS with a certificate of its own, and nobody without the token. False unless told: plain HTTP. */
  readonly tls?: boolean;
  /** 0 (unless told) picks a free one. */
  readonly port?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** How many changes of a resource a watch can look back on before it is told 410; 1000 unless told. */
  readonly watchCacheSize?: number;
}

/** Of the head of a request, as with the real server (Go's `MaxHeaderBytes`): kubectl puts a command with all its arguments into the query. */
const LARGEST_HEAD = 1_048_576;

/** Hosts that no web page can point at us by a name of its own (DNS rebinding). */
const BY_ADDRESS = /^(localhost|[\d.]+|\[[\da-f:.]+\])?(:\d+)?$/i;

/**
 * A Kubernetes API server in memory: the protocol of the real one, none of its controllers but those that kubectl cannot miss
 * (namespaces are emptied, and get their default service account).
 *
 * Over plain HTTP, where kubectl sends no token, a request without one is the administrator's; one that does carry a token must carry a
 * right one. With TLS every request must. Requests of web pages are refused: they carry an Origin, or come to a name instead of an address.
 */
export class EmbeddedApi {
  readonly #options: EmbeddedApiOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #users: Users;
  readonly #server: Server;
  readonly #nodes: NodeProxy;
  readonly #metrics: NodeMetrics;
  readonly #toSweep = new Set<string>();
  /** Connections that Node's server no longer knows of. */
  readonly #upgraded = new Set<Duplex>();
  readonly #watches = new Set<Watch>();
  readonly #requestListeners = new Set<(request: ApiRequest) => void>();
  readonly #changeListeners = new Set<(change: ApiChange) => void>();
  readonly #identity: Identity | undefined;
  #http: HttpServer | undefined;
  #url = '';
  #stopped = false;

  private constructor(options: EmbeddedApiOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#store = new Store({ historySize: options.watchCacheSize ?? 1000, onChange: (change) => this.#changed(change) });
    this.#users = new Users(this.#clock);
    this.#registry = new Registry({ store: this.#store, clock: this.#clock });
    this.#server = new Server({ store: this.#store, registry: this.#registry, users: this.#users, clock: this.#clock, address: () => new URL(this.#url).host });
    this.#nodes = new NodeProxy({ nodeNamed: (name) => this.get({ group: '', resource: 'nodes', name }), token: this.#users.token, logger: this.#logger });
    this.#metrics = new NodeMetrics({ list: (resource) => this.list({ group: '', resource }), token: this.#users.token, clock: this.#clock });
    this.#identity = options.tls === true ? selfSigned(['127.0.0.1', 'localhost', ...(options.host === undefined ? [] : [options.host])], this.#clock.now()) : undefined;
    for (const object of initialObjects()) this.#make(object);
  }

  /** Resolves when it listens. Throws code `unavailable` when the address is taken or not ours. */
  static async start(options: EmbeddedApiOptions = {}): Promise<EmbeddedApi> {
    const api = new EmbeddedApi(options);
    await api.#listen(options.port ?? 0);
    return api;
  }

  /** `http://127.0.0.1:<port>` (`https:` with TLS), also what the kubeconfig says. */
  get url(): string {
    return this.#url;
  }

  /** Bearer token of the one user. */
  get token(): string {
    return this.#users.token;
  }

  /** A kubeconfig (YAML) for this server, fit for kubectl. */
  kubeconfig(): string {
    return kubeconfigOf(this.#url, this.token, this.#identity?.certificate);
  }

  /** Puts an object in as it is (uid, status and times kept), over an older one of that name. For preloading; not what clients do. Throws code `invalid` for a kind that is not served. */
  put(object: KubernetesObject): KubernetesObject {
    const resource = resourceOfKind(object.apiVersion, object.kind);
    if (resource === undefined) throw new KmError('invalid', `${object.apiVersion} ${object.kind} is not served`);
    return structuredClone(this.#store.put(collectionOf(resource), structuredClone(object)));
  }

  /** The object as it stands now, a copy. */
  get({ group, resource, namespace, name }: ObjectKey): KubernetesObject | undefined {
    const found = this.#store.get(collectionOf(known({ group, resource })), keyOf(namespace, name));
    return found === undefined ? undefined : structuredClone(found);
  }

  /** All objects of a resource (in one namespace if the key has one), copies, by namespace and name. */
  list({ group, resource, namespace }: ResourceKey): KubernetesObject[] {
    const all = this.#store.list(collectionOf(known({ group, resource }))).map(([, object]) => object);
    return structuredClone(all.filter((object) => namespace === undefined || object.metadata.namespace === namespace));
  }

  /** Calls `listener` for every request that clients make, when it is answered; the returned function ends that. */
  onRequest(listener: (request: ApiRequest) => void): () => void {
    this.#requestListeners.add(listener);
    return () => this.#requestListeners.delete(listener);
  }

  /** Calls `listener` at once on every change of the store, in order; the returned function ends that. The object must not be changed. */
  onChange(listener: (change: ApiChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Drops all connections and refuses new ones until `resume`. The store is kept. */
  async pause(): Promise<void> {
    const http = this.#http;
    if (http === undefined) return;
    this.#http = undefined;
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  /** Listens again, on the same port. Throws code `unavailable` when another program took it meanwhile. */
  async resume(): Promise<void> {
    if (this.#http === undefined && !this.#stopped) await this.#listen(Number(new URL(this.#url).port));
  }

  /** All objects as they are now, for `restore`. */
  backup(): Backup {
    return this.#store.backup();
  }

  /** What an operator does after a loss: the server stops, gets an older state (versions fall back too), and starts. */
  async restore(backup: Backup): Promise<void> {
    await this.pause();
    this.#store.restore(backup);
    await this.resume();
  }

  /** Ends all watches and connections and gives the port back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const watch of [...this.#watches]) watch.end();
    await this.pause();
    this.#requestListeners.clear();
    this.#changeListeners.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #listen(port: number): Promise<void> {
    const host = this.#options.host ?? '127.0.0.1';
    const options = { noDelay: true, keepAlive: true, keepAliveTimeout: 180_000, requestTimeout: 0, maxHeaderSize: LARGEST_HEAD };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response).catch((error: unknown) => this.#logger.error('a request to the embedded Kubernetes API failed', { error }));
    };
    const identity = this.#identity;
    const http: HttpServer = identity === undefined ? createServer(options, listener) : createTlsServer({ ...options, ciphers: CIPHERS, key: identity.key, cert: identity.certificate }, listener);
    http.on('clientError', (error, socket) => refuseUnread(socket, error));
    http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    await new Promise<void>((resolve, reject) => {
      http.once('error', (error) => reject(new KmError('unavailable', `cannot listen on ${host}:${port}`, { cause: error })));
      http.listen(port, host, resolve);
    });
    this.#http = http;
    const address = http.address() as AddressInfo;
    this.#url = `${identity === undefined ? 'http' : 'https'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const time = this.#clock.now();
    let call: Call | undefined;
    try {
      call = await readCall(request, this.#userOf(request));
      const outcome = this.#server.answer(call);
      if ('reply' in outcome) send(response, outcome.reply);
      else if ('metrics' in outcome) send(response, await this.#metrics.answer(outcome.metrics, call.query));
      else if ('watch' in outcome) this.#startWatch(new Watch(this.#store, this.#clock, outcome.watch, response));
      else this.#nodes.request(outcome.node, request, call.body, response);
    } catch (error) {
      this.#fail(request, response, errorReply(error), error);
    }
    this.#report(time, request, response, call);
  }

  #startWatch(watch: Watch): void {
    this.#watches.add(watch);
    watch.start(() => this.#watches.delete(watch));
  }

  #fail(request: IncomingMessage, response: ServerResponse, reply: Reply, error: unknown): void {
    if (request.destroyed && !request.complete) return; // The client went away while it was still asking.
    if (reply.status === 500) this.#logger.error('a request to the embedded Kubernetes API failed', { method: request.method, path: request.url, error });
    if (response.headersSent) response.destroy();
    else send(response, reply);
  }

  /** Throws a 401 or a 403. */
  #userOf(request: IncomingMessage): User {
    const { authorization, host = '', origin } = request.headers;
    if (origin !== undefined || !BY_ADDRESS.test(host)) throw new ApiError(403, 'Forbidden', 'requests of web pages are not served', {});
    if (authorization === undefined && this.#identity === undefined) return this.#users.admin;
    const holder = this.#users.holderOf(/^Bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1] ?? '');
    if (holder === undefined) throw unauthorized();
    return holder.user;
  }

  /** exec, attach and port-forward: the connection goes to the node, or ends. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.once('close', () => this.#upgraded.delete(socket));
    socket.on('error', (error) => this.#logger.debug('a connection to the embedded Kubernetes API broke', { error }));
    try {
      const outcome = this.#server.answer(headOf(request, this.#userOf(request)));
      if (!('node' in outcome)) throw badRequest('only exec, attach, portforward and log take an upgrade');
      this.#nodes.upgrade(outcome.node, request, socket, head);
    } catch (error) {
      refuse(socket, errorReply(error));
    }
  }

  #report(time: number, request: IncomingMessage, response: ServerResponse, call: Call | undefined): void {
    if (this.#requestListeners.size === 0) return;
    const report: ApiRequest = { time, method: request.method ?? '', path: request.url ?? '', status: response.statusCode, userAgent: request.headers['user-agent'] ?? '', ...bodyOf(call) };
    for (const listener of [...this.#requestListeners]) listener(report);
  }

  #changed(change: ApiChange): void {
    for (const listener of [...this.#changeListeners]) listener(change);
    const { object, type } = change;
    if (object.kind === 'Namespace' && type === 'ADDED') for (const content of namespaceContent(object.metadata.name)) this.#make(content);
    const touched = object.kind === 'Namespace' ? object.metadata.name : type === 'DELETED' ? object.metadata.namespace : undefined;
    if (touched !== undefined && this.#isTerminating(touched)) this.#sweepSoon(touched);
  }

  /** Not within the write that made it necessary; once for all writes until then. */
  #sweepSoon(namespace: string): void {
    if (this.#toSweep.has(namespace)) return;
    this.#toSweep.add(namespace);
    queueMicrotask(() => {
      this.#toSweep.delete(namespace);
      this.#registry.sweepNamespace(namespace, RESOURCES);
    });
  }

  #isTerminating(namespace: string): boolean {
    return this.#store.get('namespaces', keyOf(undefined, namespace))?.metadata.deletionTimestamp !== undefined;
  }

  /** What a controller would create, unless it is there. */
  #make(object: KubernetesObject): void {
    const resource = resourceOfKind(object.apiVersion, object.kind);
    const { namespace, name } = object.metadata;
    if (resource === undefined || this.#store.get(collectionOf(resource), keyOf(namespace, name)) !== undefined) return;
    this.#registry.create(resource, namespace, asObject(structuredClone(object), resource), false);
  }
}

function known({ group, resource }: ResourceKey): Resource {
  const found = resourceNamed(group, resource);
  if (found === undefined) throw new KmError('invalid', `${resource}${group === '' ? '' : `.${group}`} is not served`);
  return found;
}

/** The body for those who listen, without the values of secrets and tokens. */
function bodyOf(call: Call | undefined): { body?: unknown } {
  if (call === undefined || call.body.length === 0) return {};
  if (/\/(secrets|tokenreviews|token)(\/|$)/.test(call.path)) return { body: '[redacted]' };
  try {
    const body = parseBody(call);
    return isObject(body) || Array.isArray(body) ? { body } : {};
  } catch {
    return {}; // Not data: the answer says so already.
  }
}
