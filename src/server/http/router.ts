import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { errorLine, text, type Answer } from './answer.ts';

/** A request that may be served: who asks is known and may do it. */
export interface Visit {
  readonly request: IncomingMessage;
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Parts of the path by the names in the route's pattern. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

/** The connection of a request that asks for another protocol, still silent. */
export interface Upgraded {
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Route {
  /** `any` where the kubelet does not look at the method. */
  readonly methods: readonly string[] | 'any';
  /** `/exec/{namespace}/{pod}/{container}`; a last part `*` takes all that follows, or nothing, as `rest`. */
  readonly pattern: string;
  readonly serve: (visit: Visit) => Promise<Answer> | Answer;
  /** Takes over the connection where the client asks for another protocol. A thrown `Refusal` is answered over HTTP. */
  readonly upgrade?: (visit: Visit, upgraded: Upgraded) => Promise<void> | void;
}

export interface Found {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Nobody serves it. `open`: anybody may hear that, without credentials. */
export interface NotFound {
  readonly answer: Answer;
  readonly open: boolean;
}

export type Match = Found | NotFound;

/**
 * Finds who serves a path. What is not there is told as the kubelet's two routers tell it (Kubernetes v1.20 pkg/kubelet/server/server.go):
 * below a root that go-restful knows `404: Page Not Found` and `405: Method Not Allowed`, elsewhere net/http's `404 page not found`; a root that is registered with a
 * slash at its end is redirected to. As there, net/http answers before anybody is asked for credentials, since they are go-restful's matter.
 */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly parts: readonly string[] }[];
  readonly #roots: ReadonlySet<string>;
  readonly #slashed: ReadonlySet<string>;

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, parts: partsOf(route.pattern) }));
    const restful = routes.filter(({ methods }) => methods !== 'any');
    this.#roots = new Set(restful.map(({ pattern }) => partsOf(pattern)[0] ?? ''));
    this.#slashed = new Set(restful.filter(({ pattern }) => /^\/\w+\/(\*)?$/.test(pattern)).map(({ pattern }) => `/${partsOf(pattern)[0]}`));
  }

  find(method: string, path: string): Match {
    if (this.#slashed.has(path)) return { answer: movedTo(`${path}/`), open: true };
    const parts = partsOf(path);
    const found = this.#routes.flatMap(({ route, parts: pattern }) => {
      const params = route.methods === 'any' && route.pattern !== path ? undefined : paramsOf(pattern, parts);
      return params === undefined ? [] : [{ route, params }];
    });
    const allowed = found.find(({ route }) => route.methods === 'any' || route.methods.includes(method));
    if (allowed !== undefined) return allowed;
    if (found.length > 0) return { answer: text(405, '405: Method Not Allowed'), open: false };
    if (this.#roots.has(parts[0] ?? '')) return { answer: text(404, '404: Page Not Found'), open: false };
    return { answer: errorLine(404, '404 page not found'), open: true };
  }
}

function movedTo(location: string): Answer {
  return { status: 301, headers: { 'content-type': 'text/html; charset=utf-8', location }, body: `<a href="${location}">Moved Permanently</a>.\n\n` };
}

function partsOf(path: string): string[] {
  const trimmed = path.replace(/^\/|\/$/g, '');
  return trimmed === '' ? [] : trimmed.split('/');
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  const open = pattern.at(-1) === '*';
  const fixed = open ? pattern.slice(0, -1) : pattern;
  if (parts.length < fixed.length || (!open && parts.length > fixed.length)) return undefined;
  const params: Record<string, string> = {};
  for (const [i, wanted] of fixed.entries()) {
    const part = parts[i] ?? '';
    if (/^\{.*\}$/.test(wanted)) params[wanted.slice(1, -1)] = part;
    else if (wanted !== part) return undefined;
  }
  return open ? { ...params, rest: parts.slice(fixed.length).join('/') } : params;
}
