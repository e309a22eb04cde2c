import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KubernetesClient, type ClusterAccess, type KubernetesClientOptions } from '../../../src/kubernetes/index.ts';
import { silentLogger, type Logger } from '../../../src/telemetry/index.ts';

/** A request as it came in. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly socket: Socket;
}

export type Script = (request: Seen, response: ServerResponse) => void | Promise<void>;

/** An API server that answers as a test says, and the client for it. */
export class ScriptedApi implements AsyncDisposable {
  readonly requests: Seen[] = [];
  readonly #server: Server;
  readonly #clients: KubernetesClient[] = [];
  script: Script;
  #port = 0;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((message, response) => {
      let text = '';
      message.setEncoding('utf8');
      message.on('data', (chunk: string) => (text += chunk));
      message.on('end', () => {
        const url = new URL(message.url ?? '/', 'http://localhost');
        const request: Seen = {
          method: message.method ?? '',
          path: url.pathname,
          query: url.searchParams,
          headers: message.headers,
          body: text === '' ? undefined : JSON.parse(text),
          socket: message.socket,
        };
        this.requests.push(request);
        void this.script(request, response);
      });
    });
  }

  static async start(script: Script): Promise<ScriptedApi> {
    const api = new ScriptedApi(script);
    await api.listen();
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The requests as `METHOD path`. */
  get calls(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  access(): ClusterAccess {
    return { server: this.url, namespace: 'default', insecureSkipTlsVerify: false, authorization: async () => undefined, tls: async () => ({}), clientCertificate: async () => undefined, renew: () => undefined };
  }

  client(options: Partial<KubernetesClientOptions> & { logger?: Logger } = {}): KubernetesClient {
    const client = new KubernetesClient({ access: this.access(), logger: silentLogger, ...options });
    this.#clients.push(client);
    return client;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Drops all connections and refuses new ones until `listen`. */
  async away(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    if (this.#server.listening) await this.away();
  }
}

export function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** A refusal as the API server words it. */
export function refuse(response: ServerResponse, code: number, reason: string, message = `${reason}!`, headers: Record<string, string> = {}): void {
  answer(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers);
}

/** Waits for a condition; fails after `ms`. */
export async function until(condition: () => boolean, what: string, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
