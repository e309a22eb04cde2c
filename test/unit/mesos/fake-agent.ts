import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { decodeCall, encodeEvent, encodeRecord, type Call, type ContentType, type Event } from '../../../src/mesos/index.ts';

/** One SUBSCRIBE, and the stream that answers it. */
export interface Subscribed {
  readonly call: Extract<Call, { type: 'SUBSCRIBE' }>;
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly socket: Socket;
  send(...events: Event[]): void;
  raw(bytes: Uint8Array | string): void;
  /** The stream's last chunk; the connection stays. */
  end(): void;
}

export interface Received {
  readonly call: Call;
  readonly headers: IncomingHttpHeaders;
  readonly socket: Socket;
}

type Answer = { status: number; text?: string } | 'hang';

/** An agent that does what the test says: it keeps what it was sent and answers by `onSubscribe` and `onCall`. */
export class FakeAgent {
  readonly subscribed: Subscribed[] = [];
  readonly calls: Received[] = [];
  readonly sockets = new Set<Socket>();
  /** Requests for SUBSCRIBE, also those that got no 200. */
  tries = 0;
  onSubscribe: (call: Call, attempt: number) => Answer = () => ({ status: 200 });
  onCall: (call: Call) => Answer | Promise<Answer> = () => ({ status: 202 });
  /** Runs as soon as the stream is open; SUBSCRIBED by default. */
  greet: (stream: Subscribed) => void = (stream) => stream.send(subscribedEvent);
  readonly #contentType: ContentType;
  readonly #tls: ServerOptions | undefined;
  #server: Server | undefined;
  #where: { host: string; port: number } | { path: string } = { host: '127.0.0.1', port: 0 };

  constructor(options: { contentType?: ContentType; tls?: ServerOptions; socketPath?: string } = {}) {
    this.#contentType = options.contentType ?? 'application/x-protobuf';
    this.#tls = options.tls;
    if (options.socketPath !== undefined) this.#where = { path: options.socketPath };
  }

  get port(): number {
    return 'port' in this.#where ? this.#where.port : 1;
  }

  get last(): Subscribed {
    return this.subscribed.at(-1) as Subscribed;
  }

  /** UPDATEs as `task STATE`, in the order in which they came. */
  get updates(): string[] {
    return this.calls.flatMap(({ call }) => (call.type === 'UPDATE' ? [`${call.update.status.task_id.value} ${call.update.status.state}`] : []));
  }

  async start(): Promise<this> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    const server = this.#tls === undefined ? createServer(listener) : createTlsServer(this.#tls, listener);
    server.on(this.#tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.#where, resolve));
    const address = server.address();
    if (typeof address !== 'string' && address !== null) this.#where = { host: '127.0.0.1', port: (address).port };
    this.#server = server;
    return this;
  }

  /** As with kill -9: connections are reset, the port refuses. `start` brings it back at the same place. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Acknowledges every update that has come with calls so far, once. */
  acknowledgeAll(): void {
    for (const { call } of this.calls) if (call.type === 'UPDATE') this.last.send(acknowledgement(call.update.status));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = decodeCall(Buffer.concat(chunks), this.#contentType);
    if (call.type === 'SUBSCRIBE') return this.#subscribe(call, request, response);
    this.calls.push({ call, headers: request.headers, socket: request.socket });
    const answer = await this.onCall(call);
    if (answer !== 'hang') response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.text);
  }

  #subscribe(call: Extract<Call, { type: 'SUBSCRIBE' }>, request: IncomingMessage, response: ServerResponse): void {
    this.tries += 1;
    const answer = this.onSubscribe(call, this.tries);
    if (answer === 'hang') return;
    if (answer.status !== 200) return void response.writeHead(answer.status, { 'content-type': 'text/plain' }).end(answer.text);
    response.writeHead(200, { 'content-type': this.#contentType });
    response.flushHeaders();
    const stream: Subscribed = {
      call,
      headers: request.headers,
      path: request.url ?? '',
      socket: request.socket,
      send: (...events) => {
        for (const event of events) response.write(encodeRecord(encodeEvent(event, this.#contentType)));
      },
      raw: (bytes) => void response.write(bytes),
      end: () => void response.end(),
    };
    this.subscribed.push(stream);
    this.greet(stream);
  }
}

export const subscribedEvent: Event = {
  type: 'SUBSCRIBED',
  subscribed: {
    executor_info: { executor_id: { value: 'exec-1' } },
    framework_info: { user: 'root', name: 'framework', id: { value: 'framework-1' } },
    agent_info: { hostname: 'localhost', id: { value: 'agent-1' } },
  },
};

export function launch(taskId: string): Extract<Event, { type: 'LAUNCH' }> {
  return { type: 'LAUNCH', launch: { task: { name: taskId, task_id: { value: taskId }, agent_id: { value: 'agent-1' } } } };
}

export function kill(taskId: string): Event {
  return { type: 'KILL', kill: { task_id: { value: taskId } } };
}

export function acknowledgement(status: { readonly task_id: { readonly value: string }; readonly uuid?: Uint8Array }): Event {
  return { type: 'ACKNOWLEDGED', acknowledged: { task_id: status.task_id, uuid: status.uuid ?? new Uint8Array() } };
}
