import type { Clock } from '../../base/index.ts';
import { ApiError, badRequest, methodNotAllowed, noSuchPath, notAcceptable } from './api-error.ts';
import { flagIn, parseBody, type Call } from './call.ts';
import { decode } from './decode.ts';
import { discover, VERSION } from './discovery.ts';
import { parseAccept } from './negotiate.ts';
import { OPENAPI_V2_MEDIA_TYPES, openApiV2 } from './openapi-v2.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { parsePath, type ResourcePath } from './paths.ts';
import { podAddress, portOf, proxiedName, serviceAddress } from './proxied-address.ts';
import { Reads } from './reads.ts';
import { asObject, type Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { resourceNamed, RESOURCES } from './resources.ts';
import { review } from './reviews.ts';
import type { Store } from './store.ts';
import { Subresources } from './subresources.ts';
import type { KubernetesObject } from './types.ts';
import type { Users } from './users.ts';
import type { WatchRequest } from './watch.ts';
import { Writes } from './writes.ts';

/** A request that is not ours to answer: `log`, `exec`, `attach`, `portforward` of a pod, which its node can, or `proxy` of a node, a pod or a service. */
export interface NodeRequest {
  /** The pod, the node or the service. */
  readonly object: KubernetesObject;
  readonly subresource: 'log' | 'exec' | 'attach' | 'portforward' | 'proxy';
  /** Path of the subresource, as the client sent it. */
  readonly prefix: string;
  /** Path and query below it, as the client sent them; a path at least. */
  readonly rest: string;
  readonly query: URLSearchParams;
  /** Of `proxy`: an address of the pod or of the service's endpoints; absent: the node's. */
  readonly host?: string;
  /** Of `proxy`: another port than that of the node's API, or of the scheme. */
  readonly port?: number;
  /** Of `https:NAME:PORT/proxy`. */
  readonly secure?: boolean;
}

/** What a call comes to: an answer, figures to be asked of the nodes, a watch to begin, or something for the node. */
export type Outcome = { readonly reply: Reply } | { readonly metrics: ResourcePath } | { readonly watch: WatchRequest } | { readonly node: NodeRequest };

const OF_THE_NODE = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** Finds for each call who answers it. Nothing here knows of connections. */
export class Server {
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #subresources: Subresources;
  readonly #registry: Registry;
  readonly #users: Users;
  readonly #address: () => string;

  constructor(options: { store: Store; registry: Registry; users: Users; clock: Clock; address: () => string }) {
    const { store, registry, users, clock } = options;
    this.#registry = registry;
    this.#users = users;
    this.#address = options.address;
    this.#reads = new Reads({ store, registry, clock });
    this.#writes = new Writes({ store, registry, reads: this.#reads, clock });
    this.#subresources = new Subresources({ registry, reads: this.#reads, writes: this.#writes, users, clock });
  }

  /** Throws an ApiError for a call that fails. */
  answer(call: Call): Outcome {
    const { path, method } = call;
    const fixed = method === 'GET' ? this.#fixed(call) : undefined;
    if (fixed !== undefined) return { reply: fixed };
    const target = parsePath(path);
    if (target === undefined) return { reply: { status: 404, body: '404 page not found\n', mediaType: 'text/plain; charset=utf-8' } };
    if (target.subresource !== undefined && OF_THE_NODE.has(target.subresource)) return { node: this.#nodeRequest(call, target) };
    if (target.subresource !== undefined) return { reply: this.#subresources.answer(call, target) };
    if (target.resource.createOnly) return { reply: this.#ask(call, target) };
    if (target.resource.computed) {
      if (method !== 'GET') throw methodNotAllowed();
      return { metrics: target };
    }
    return target.name === undefined ? this.#collection(call, target) : { reply: this.#object(call, target) };
  }

  #fixed(call: Call): Reply | undefined {
    const { path } = call;
    const found = discover(path, call.accept, this.#address());
    if (found !== undefined) return found;
    switch (path.split('/')[1]) {
      case 'version':
        return { status: 200, body: VERSION };
      case 'healthz':
      case 'livez':
      case 'readyz':
        return { status: 200, body: flagIn(call.query, 'verbose') ? `[+]ping ok\n${path.slice(1)} check passed\n` : 'ok', mediaType: 'text/plain; charset=utf-8' };
      case 'openapi':
        return openApi(call);
      case '':
        return { status: 200, body: { paths: ['/api', '/api/v1', '/apis', ...RESOURCES.map(({ group, version }) => `/apis/${group}/${version}`), '/healthz', '/livez', '/openapi/v3', '/readyz', '/version'].filter((text, i, all) => all.indexOf(text) === i && !text.includes('//')) } };
      default:
        return undefined;
    }
  }

  #collection(call: Call, target: ResourcePath): Outcome {
    switch (call.method) {
      case 'GET':
        return flagIn(call.query, 'watch') ? { watch: this.#reads.watch(call, target) } : { reply: this.#reads.list(call, target) };
      case 'POST':
        if (target.resource.namespaced && target.namespace === undefined) throw methodNotAllowed();
        return { reply: this.#writes.create(call, target) };
      case 'DELETE':
        return { reply: this.#writes.deleteCollection(call, target) };
      default:
        throw methodNotAllowed();
    }
  }

  #object(call: Call, target: ResourcePath): Reply {
    switch (call.method) {
      case 'GET':
        return this.#reads.get(call, target);
      case 'PUT':
        return this.#writes.update(call, target, 'object');
      case 'PATCH':
        return this.#writes.patch(call, target, 'object');
      case 'DELETE':
        return this.#writes.delete(call, target);
      default:
        throw methodNotAllowed();
    }
  }

  /** Bindings and reviews: asked by creating what is never stored. */
  #ask(call: Call, target: ResourcePath): Reply {
    if (call.method !== 'POST' || target.name !== undefined) throw methodNotAllowed();
    if (target.resource.kind === 'Binding') return this.#subresources.bindByName(call, target);
    const given = asObject(parseBody(call), target.resource);
    const asked = asObject(decode(target.resource.type, given).object, target.resource);
    return { status: 201, body: review(target.resource, asked, call.user, this.#users) };
  }

  #nodeRequest(call: Call, target: ResourcePath): NodeRequest {
    const subresource = target.subresource as NodeRequest['subresource'];
    if (!target.resource.subresources.some((sub) => sub.name === subresource)) throw noSuchPath();
    const { object, ...place } = subresource === 'proxy' ? this.#proxied(target) : { object: this.#registry.find({ ...target, name: target.name ?? '' }) };
    if (object.kind === 'Pod' && subresource !== 'proxy') checkContainer(call, object);
    // Not what the path was taken apart into: an encoded slash, or one at the end, means something to the node.
    const prefix = (target.resource.namespaced ? /^(\/[^/?]+){7}/ : /^(\/[^/?]+){5}/).exec(call.url)?.[0] ?? '';
    const below = call.url.slice(prefix.length);
    return { object, subresource, prefix, rest: below.startsWith('/') ? below : `/${below}`, query: call.query, ...place };
  }

  #proxied(target: ResourcePath): Pick<NodeRequest, 'object' | 'host' | 'port' | 'secure'> {
    const [kind, text] = [target.resource.singular, target.name ?? ''];
    const asked = proxiedName(kind, text);
    const object = this.#registry.find({ ...target, name: asked.name });
    const secure = asked.secure && { secure: true };
    if (object.kind === 'Service') {
      const endpoints = this.#registry.find({ ...target, resource: resourceNamed('', 'endpoints') ?? target.resource, name: asked.name });
      return { object, ...serviceAddress(object, endpoints, asked), ...secure };
    }
    const port = portOf(kind, text, asked);
    return { object, ...(object.kind === 'Pod' ? podAddress(object, port) : port !== undefined && { port }), ...secure };
  }
}

/** The container that is asked for must be there; with several, one must be named. Kubernetes pkg/registry/core/pod/strategy.go. */
function checkContainer(call: Call, pod: KubernetesObject): void {
  if (call.path.endsWith('/portforward')) return;
  const spec = pod['spec'] as { containers?: { name: string }[]; initContainers?: { name: string }[]; ephemeralContainers?: { name: string }[] };
  const named = (list: { name: string }[] = []): string[] => list.map((container) => container.name);
  const containers = named(spec.containers);
  const inits = named(spec.initContainers);
  const name = call.query.get('container') ?? '';
  if (name === '' && containers.length > 1) {
    const choices = `[${containers.join(' ')}]${inits.length > 0 ? ` or one of the init containers: [${inits.join(' ')}]` : ''}`;
    throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: ${choices}`);
  }
  if (name !== '' && ![...containers, ...inits, ...named(spec.ephemeralContainers)].includes(name)) throw badRequest(`container ${name} is not valid for pod ${pod.metadata.name}`);
}

function openApi(call: Call): Reply | undefined {
  if (call.path === '/openapi/v2') {
    const accepted = parseAccept(call.accept ?? '').find((range) => OPENAPI_V2_MEDIA_TYPES.includes(range.type));
    if (accepted === undefined) throw notAcceptable(OPENAPI_V2_MEDIA_TYPES);
    return { status: 200, body: openApiV2(), mediaType: OPENAPI_V2_MEDIA_TYPES[1] ?? '' };
  }
  if (call.path === '/openapi/v3') return { status: 200, body: openApiIndex() };
  if (!call.path.startsWith('/openapi/v3/')) return undefined;
  const document = openApiDocument(call.path.slice('/openapi/v3/'.length));
  if (document === undefined) return undefined;
  const ranges = parseAccept(call.accept ?? '*/*').map((range) => range.type);
  if (!ranges.some((type) => ['application/json', '*/*', 'application/*'].includes(type))) throw notAcceptable(['application/json']);
  return { status: 200, body: document };
}

/** The Status of whatever was thrown. */
export function errorReply(error: unknown): Reply {
  const known = error instanceof ApiError ? error : new ApiError(500, 'InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`, {});
  return { status: known.status.code, body: known.status };
}
