import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { rm } from 'node:fs/promises';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { KmError } from '../../base/index.ts';
import type { AgentAnswer, AgentRequest } from './read-call.ts';

/** A request waiting for one of two answers. */
export interface Exchange {
  readonly request: AgentRequest;
  answer(answer: AgentAnswer): void;
  /** Answers 200 and keeps the response open. */
  stream(contentType: string): EventStream;
}

/** The open response of a SUBSCRIBE. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #lost = new Set<() => void>();
  #open = true;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.once('close', () => {
      if (!this.#open) return;
      this.#open = false;
      for (const listener of this.#lost) listener();
    });
  }

  /** One record, which becomes one chunk. */
  write(record: Uint8Array): void {
    if (this.#open) this.#response.write(record);
  }

  /** Sends the last chunk; the connection stays open, as with a real agent. */
  end(): void {
    this.#open = false;
    this.#response.end();
  }

  /** Breaks the connection. */
  destroy(): void {
    this.#response.destroy();
  }

  /** Calls `listener` once when the other side or the network ends the stream, not after `end`. */
  onLost(listener: () => void): void {
    this.#lost.add(listener);
  }
}

export interface AgentServerOptions {
  readonly host: string;
  /** 0 picks a free one at the first start; after that it is the same again. */
  readonly port: number;
  readonly domainSocket: string | undefined;
  readonly tls: { readonly key: string; readonly cert: string } | undefined;
  readonly onExchange: (exchange: Exchange) => void;
}

/** The agent's HTTP server on TCP (or TLS) and on a domain socket, with the habits of libprocess that an executor may notice. */
export class AgentServer {
  readonly #options: AgentServerOptions;
  readonly #sockets = new Set<Socket>();
  /** Sockets that carry an event stream. */
  readonly #streaming = new WeakSet<Socket>();
  #servers: Server[] = [];
  #port: number;

  constructor(options: AgentServerOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  get listening(): boolean {
    return this.#servers.length > 0;
  }

  /** Throws code `unavailable` when the port or the socket's path is taken. */
  async start(): Promise<void> {
    const tcp = this.#server(false);
    await listen(tcp, { host: this.#options.host, port: this.#port });
    const address = tcp.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#servers.push(tcp);
    if (this.#options.domainSocket === undefined) return;
    await rm(this.#options.domainSocket, { force: true }); // what an agent killed by force has left
    const local = this.#server(true);
    await listen(local, { path: this.#options.domainSocket });
    this.#servers.push(local);
  }

  /** Breaks all connections and refuses new ones, as when the process is gone. */
  async stop(): Promise<void> {
    const servers = this.#servers.splice(0);
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #server(local: boolean): Server {
    const onRequest = (message: IncomingMessage, response: ServerResponse): void => void this.#onRequest(message, response, local);
    const { tls } = this.#options;
    const server = tls === undefined || local ? createServer(onRequest) : createTlsServer({ key: tls.key, cert: tls.cert }, onRequest);
    server.on('checkContinue', onRequest); // the agent sends no 100
    server.on(tls === undefined || local ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.keepAliveTimeout = 0; // libprocess keeps idle connections
    server.requestTimeout = 0;
    return server;
  }

  async #onRequest(message: IncomingMessage, response: ServerResponse, local: boolean): Promise<void> {
    const { socket } = message;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) chunks.push(chunk as Buffer);
    } catch {
      return; // the client went away in the middle of its request
    }
    this.#options.onExchange({
      request: { method: message.method ?? '', path: message.url ?? '/', headers: message.headers, body: Buffer.concat(chunks), local },
      answer: (answer) => {
        // On a connection that carries events the agent writes the answer into the stream, between two records.
        if (this.#streaming.has(socket)) socket.write(rawAnswer(answer));
        else response.writeHead(answer.status, headersOf(answer)).end(answer.body);
      },
      stream: (contentType) => {
        this.#streaming.add(socket);
        response.writeHead(200, { 'Content-Type': contentType });
        response.flushHeaders();
        const stream = new EventStream(response);
        response.once('close', () => this.#streaming.delete(socket));
        response.once('finish', () => this.#streaming.delete(socket));
        return stream;
      },
    });
  }
}

function headersOf(answer: AgentAnswer): Record<string, string> {
  return {
    ...(answer.body === '' ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }),
    'Content-Length': String(Buffer.byteLength(answer.body)),
    ...answer.headers,
  };
}

function rawAnswer(answer: AgentAnswer): string {
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`, ...Object.entries(headersOf(answer)).map(([name, value]) => `${name}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n${answer.body}`;
}

function listen(server: Server, at: { host: string; port: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const where = 'path' in at ? at.path : `${at.host}:${at.port}`;
    const onError = (cause: Error): void => reject(new KmError('unavailable', `cannot listen on ${where}`, { cause }));
    server.once('error', onError);
    server.listen(at, () => {
      server.off('error', onError);
      resolve();
    });
  });
}
