/**
 * Stands between an HTTP client and its server (executor and Engine, API or agent) and breaks on command. Everything that is not told to
 * break passes unchanged, streams and upgraded connections too.
 */
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { rm } from 'node:fs/promises';
import { Connections } from '../support/connections.ts';
import { quietPort } from '../support/quiet-port.ts';

export type Fault =
  /** The connection breaks before the server has heard of it. */
  | { readonly kind: 'reset-before' }
  /** The server has done it, and nobody is told. */
  | { readonly kind: 'reset-after' }
  /** The answer breaks off after so many bytes of its body. */
  | { readonly kind: 'cut'; readonly bytes: number }
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly kind: 'delay'; readonly ms: number }
  /** No answer, until `heal` breaks the connection. */
  | { readonly kind: 'hang' }
  /** The head passes, then nothing any more, until `heal` breaks the connection. */
  | { readonly kind: 'silence' };

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
}

export interface Rule {
  readonly fault: Fault;
  /** Which requests; all unless told. */
  readonly matches?: (asked: Asked) => boolean;
  /** How many of them; 1 unless told. */
  times?: number;
}

export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

export class FaultyProxy implements AsyncDisposable {
  readonly #target: Address;
  readonly #listenOn: { readonly path: string } | undefined;
  readonly #connections = new Connections();
  readonly #stuck = new Set<ServerResponse>();
  #rules: Rule[] = [];
  #server: Server | undefined;
  #port = 0;

  /** `listenOn`: a socket's path; a free port of the loopback unless told. */
  constructor(target: Address, listenOn?: { readonly path: string }) {
    this.#target = target;
    this.#listenOn = listenOn;
  }

  get port(): number {
    return this.#port;
  }

  async up(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => this.#pass(request, response));
    server.on('upgrade', (request, socket: Socket, head) => this.#tunnel(request, socket, head));
    server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.on('error', () => undefined);
    });
    if (this.#listenOn !== undefined) await rm(this.#listenOn.path, { force: true });
    else if (this.#port === 0) this.#port = await quietPort();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (this.#listenOn === undefined) server.listen(this.#port, '127.0.0.1', resolve);
      else server.listen(this.#listenOn.path, resolve);
    });
    this.#server = server;
  }

  /** Breaks every connection and refuses new ones. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await this.#connections.end(server);
  }

  /** Breaks every connection, streams too; new ones are welcome. */
  cut(): void {
    this.#connections.cut();
  }

  break(rule: Rule): void {
    this.#rules.push(rule);
  }

  /** No fault any more; what was stuck breaks. */
  async heal(): Promise<void> {
    this.#rules = [];
    for (const response of this.#stuck) response.destroy();
    this.#stuck.clear();
    await this.up();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    if (this.#listenOn !== undefined) await rm(this.#listenOn.path, { force: true });
  }

  #faultFor(asked: Asked): Fault | undefined {
    const rule = this.#rules.find(({ matches }) => matches === undefined || matches(asked));
    if (rule === undefined) return undefined;
    rule.times = (rule.times ?? 1) - 1;
    if (rule.times <= 0) this.#rules = this.#rules.filter((one) => one !== rule);
    return rule.fault;
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const fault = this.#faultFor({ method: request.method ?? '', path: request.url ?? '' });
    switch (fault?.kind) {
      case 'reset-before':
        request.socket.destroy();
        return;
      case 'answer':
        request.resume();
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers }).end(fault.body ?? '');
        return;
      case 'hang':
        request.resume();
        this.#stuck.add(response);
        response.on('close', () => this.#stuck.delete(response));
        return;
      case 'delay':
        setTimeout(() => this.#forward(request, response, undefined), fault.ms).unref();
        return;
      default:
        this.#forward(request, response, fault);
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): void {
    const onward = httpRequest({ ...this.#target, method: request.method, path: request.url, headers: request.headers, agent: false, setHost: false });
    onward.on('error', () => request.socket.destroy());
    onward.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      if (fault?.kind === 'reset-after') {
        answer.resume();
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders).flushHeaders();
      if (fault?.kind === 'silence') {
        answer.resume();
        this.#stuck.add(response);
        return;
      }
      if (fault?.kind === 'cut') this.#cutAfter(fault.bytes, answer, response);
      else answer.pipe(response);
      answer.on('close', () => {
        if (!answer.complete) response.destroy();
      });
    });
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  #cutAfter(bytes: number, answer: IncomingMessage, response: ServerResponse): void {
    let left = bytes;
    answer.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      const part = chunk.subarray(0, left);
      left -= chunk.length;
      if (left > 0) response.write(part);
      else response.write(part, () => response.socket?.destroy());
    });
    answer.on('end', () => response.socket?.destroy());
  }

  /** An upgraded connection is the two sides' own: byte for byte. */
  #tunnel(request: IncomingMessage, near: Socket, head: Buffer): void {
    const far = 'socketPath' in this.#target ? connect(this.#target.socketPath) : connect(this.#target.port, this.#target.host);
    const lines = [`${request.method ?? ''} ${request.url ?? ''} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at] ?? ''}: ${request.rawHeaders[at + 1] ?? ''}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  }
}
