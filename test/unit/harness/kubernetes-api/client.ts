import { onTestFinished } from 'vitest';
import { EmbeddedApi, type EmbeddedApiOptions, type KubernetesObject } from '../../../../src/harness/kubernetes-api/index.ts';

export interface Answer {
  readonly code: number;
  readonly body: KubernetesObject & { items: KubernetesObject[]; message: string; reason: string; details: Record<string, unknown>; rows: { cells: unknown[] }[] };
  readonly headers: Headers;
}

export interface Event {
  readonly type: string;
  readonly object: KubernetesObject & { code?: number };
}

/** A server that ends with the test, and a client that speaks JSON to it. */
export async function startApi(options: EmbeddedApiOptions = {}): Promise<{ api: EmbeddedApi; call: typeof call; watch: typeof watch; patch: typeof patch }> {
  const api = await EmbeddedApi.start(options);
  onTestFinished(() => api.stop());

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(api.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { code: response.status, body: (text.startsWith('{') ? JSON.parse(text) : { text }) as Answer['body'], headers: response.headers };
  }

  const patch = (path: string, kind: 'strategic-merge' | 'merge' | 'json' | 'apply', body: unknown, query = ''): Promise<Answer> =>
    call('PATCH', path + query, body, { 'content-type': kind === 'apply' ? 'application/apply-patch+yaml' : kind === 'json' ? 'application/json-patch+json' : `application/${kind}-patch+json` });

  /** Events of a watch, one at a time; `end` closes it. */
  async function watch(path: string, headers: Record<string, string> = {}): Promise<{ next: () => Promise<Event | undefined>; end: () => void }> {
    const abort = new AbortController();
    onTestFinished(() => abort.abort());
    const response = await fetch(`${api.url}${path}${path.includes('?') ? '&' : '?'}watch=true`, { signal: abort.signal, headers });
    // The reader is taken at once: fetch cancels a body that nobody holds when its response is collected.
    const lines = linesOf((response.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader());
    return {
      next: async () => {
        const line = await lines.next();
        return line.done === true ? undefined : (JSON.parse(line.value) as Event);
      },
      end: () => abort.abort(),
    };
  }

  return { api, call, watch, patch };
}

async function* linesOf(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    rest += decoder.decode(chunk.value, { stream: true });
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
  return undefined;
}

export const PODS = '/api/v1/namespaces/default/pods';

export function pod(name: string, more: { labels?: Record<string, string>; spec?: Record<string, unknown>; metadata?: Record<string, unknown> } = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(more.labels === undefined ? {} : { labels: more.labels }), ...more.metadata },
    spec: { containers: [{ name: 'web', image: 'nginx' }], ...more.spec },
  };
}
