/** Stands between an executor and the Docker Engine, byte for byte, and can be taken away: what a restart of the Engine looks like, without one. */
import { rm } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

export class EngineProxy implements AsyncDisposable {
  readonly #path: string;
  readonly #target: NetConnectOpts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** `path`: where to listen. `dockerHost`: the real Engine, as in DOCKER_HOST. */
  constructor(path: string, dockerHost: string) {
    this.#path = path;
    const url = new URL(dockerHost);
    this.#target = url.protocol === 'unix:' ? { path: url.pathname } : { host: url.hostname, port: Number(url.port) };
  }

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
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks every connection and refuses new ones. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  #forward(near: Socket): void {
    const far = connect({ ...this.#target, allowHalfOpen: true });
    for (const [socket, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.on('error', () => other.destroy());
      socket.pipe(other);
    }
  }
}
