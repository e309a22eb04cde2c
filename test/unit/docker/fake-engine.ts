import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Asked {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly body: string;
}

export type Answer = (asked: Asked, response: ServerResponse) => void;

/** What speaks HTTP on a Unix socket and says what the test tells it, beside `/version`. */
export class FakeEngine implements AsyncDisposable {
  readonly asked: Asked[] = [];
  connections = 0;
  /** `undefined`: asked for it, it says nothing. */
  version: { Version: string; ApiVersion: string; MinAPIVersion: string } | undefined = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' };
  answer: Answer = (_asked, response) => void json(response, 404, { message: 'not told' });
  #directory = '';
  #server: Server | undefined;

  static async start(answer?: Answer): Promise<FakeEngine> {
    const engine = new FakeEngine();
    if (answer !== undefined) engine.answer = answer;
    engine.#directory = await mkdtemp(join(tmpdir(), 'km-engine-'));
    await engine.listen();
    return engine;
  }

  get host(): string {
    return `unix://${this.#socket}`;
  }

  get #socket(): string {
    return join(this.#directory, 'docker.sock');
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response));
    server.on('connection', () => this.connections++);
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#socket, resolve));
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      if (server === undefined) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const asked = { method: request.method ?? '', url: request.url ?? '', body: Buffer.concat(chunks).toString() };
    this.asked.push(asked);
    if (asked.url === '/version') this.#tellVersion(response);
    else this.answer(asked, response);
  }

  #tellVersion(response: ServerResponse): void {
    if (this.version !== undefined) json(response, 200, this.version);
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
