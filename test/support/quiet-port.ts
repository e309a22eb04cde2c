import { createServer } from 'node:net';

/** Below what the kernel gives to connections of its own accord: a server that goes away for a while finds its port free when it comes back. */
const FIRST = 12_000;
const LAST = 32_000;
const TRIES = 100;

/** A port of the loopback that nobody listens on, by chance. */
export async function quietPort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}
