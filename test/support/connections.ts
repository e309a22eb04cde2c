import type { Server as NetServer, Socket } from 'node:net';

/** The open connections of a server that a test takes away. */
export class Connections {
  readonly #sockets = new Set<Socket>();

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  /** Breaks all of them, streams too. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Breaks all of them, and the server takes no new ones; resolves when nothing of it is left. */
  async end(server: NetServer): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }
}
