import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** As many different ports of the loopback as asked for that nobody listens on just now; the first is `wish` where that one is free. */
export async function freePorts(count: number, wish = 0): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, (_, index) => listen(index === 0 ? wish : 0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

async function listen(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (port === 0) throw error;
    return listen(0);
  }
}
