import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Clock, KmError, messageOf, sleep } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { LIMITS } from './limits.ts';

export interface Listening {
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** Resolves with the port when the server listens. Throws code `conflict` when it is taken, `invalid` when the address cannot be used. */
export async function listen(server: Server, { address, port }: Listening, logger: Logger): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'conflict' : 'invalid';
      reject(new KmError(code, `cannot listen on ${address} port ${port} (${error.code ?? error.message})`, { cause: error }));
    });
    server.listen({ host: address, port }, resolve);
  });
  // Later ones are of single connections that could not be accepted (too many open files).
  server.removeAllListeners('error').on('error', (error) => logger.warn('a connection could not be accepted', { error: messageOf(error) }));
  return (server.address() as AddressInfo).port;
}

/** The connections of a server: also those that are not through the TLS handshake, or upgraded, of which it knows nothing itself. */
export function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}

/** Takes no more connections, gives requests under way a moment, then closes them all. */
export async function close(server: Server, clock: Clock, connections: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const patience = new AbortController();
  await Promise.race([closed, sleep(clock, LIMITS.stopMs, patience.signal).catch(() => undefined)]);
  patience.abort();
  for (const socket of connections) socket.destroy();
  await closed;
}
