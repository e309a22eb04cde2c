import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { badRequest } from './api-error.ts';

/** How a log goes over a WebSocket: as bytes unless a client wants text (Kubernetes v1.20 apiserver/pkg/util/wsstream/stream.go). */
const PROTOCOLS = ['', 'binary.k8s.io', 'base64.binary.k8s.io'];

/** The first of the client's that is ours; `''` where it names none. Throws a 400. */
export function logProtocol(request: IncomingMessage): string {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') throw badRequest('a log takes no other upgrade than that to a WebSocket');
  const theirs = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = theirs.find((name) => PROTOCOLS.includes(name));
  if (protocol === undefined) throw badRequest(`requested protocol(s) are not supported: [${theirs.join(' ')}]; supports [${PROTOCOLS.join(' ')}]`);
  return protocol;
}

/** Sends a log message by message, after an empty one that says that all is set up. Rejects when either side breaks off. */
export async function sendLog(request: IncomingMessage, socket: Duplex, head: Buffer, log: AsyncIterable<Buffer>): Promise<void> {
  const protocol = logProtocol(request);
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, handleProtocols: () => (protocol === '' ? false : protocol) });
  const webSocket = await new Promise<WebSocket>((resolve, reject) => {
    socket.once('close', () => reject(new Error('no WebSocket came about')));
    server.handleUpgrade(request, socket, head, resolve);
  });
  webSocket.on('error', () => webSocket.terminate());
  const send = (data: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      if (protocol === 'base64.binary.k8s.io') webSocket.send(data.toString('base64'), done);
      else webSocket.send(data, { binary: true }, done);
    });
  await send(Buffer.alloc(0));
  for await (const chunk of log) await send(chunk);
  webSocket.close(1000);
}
