/** Stands between an executor and the Docker Engine, byte for byte, and can be taken away: what a restart of the Engine looks like, without one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connections } from './connections.ts';

export class EngineProxy implements AsyncDisposable {
  readonly #dir: string;
  readonly #path: string;
  readonly #target: NetConnectOpts;
  readonly #connections = new Connections();
  #server: Server | undefined;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#path = join(dir, 'docker.sock');
    const url = new URL(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock');
    this.#target = url.protocol === 'unix:' ? { path: url.pathname } : { host: url.hostname, port: Number(url.port) };
  }

  /** One before the Engine of DOCKER_HOST; not up yet. */
  static async make(): Promise<EngineProxy> {
    return new EngineProxy(await mkdtemp(join(tmpdir(), 'km-engine-')));
  }

  /** Its own DOCKER_HOST. */
  get dockerHost(): string {
    return `unix://${this.#path}`;
  }

  /** The Engine answers (again). */
  async up(): Promise<void> {
    await rm(this.#path, { force: true });
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#forward(socket));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#path, resolve));
    this.#server = server;
  }

  /** Breaks every connection, event streams too; new ones are welcome. */
  cut(): void {
    this.#connections.cut();
  }

  /** Breaks every connection and refuses new ones. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await this.#connections.end(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    await rm(this.#dir, { recursive: true, force: true });
  }

  #forward(near: Socket): void {
    const far = connect({ ...this.#target, allowHalfOpen: true });
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.#connections.add(socket);
      socket.on('close', () => other.destroy());
      socket.on('error', () => other.destroy());
      socket.pipe(other);
    }
  }
}
