import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { prepareSocket, refuse } from '../upgrade.ts';

/** Bytes of one message that are taken at most; a client's terminal or file comes in messages of about 32 KiB. */
const LARGEST_MESSAGE = 4 * 1024 * 1024;

export interface AcceptedWebSocket {
  readonly webSocket: WebSocket;
  /** The messages joined, as a stream of bytes. */
  readonly asStream: () => Duplex;
  /** The first of the client's that is ours; `''` where it named none. */
  readonly protocol: string;
}

/** Answers an upgrade to a WebSocket; undefined when it refused. `''` in `ours` allows clients that name no protocol. */
export async function acceptWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, ours: readonly string[]): Promise<AcceptedWebSocket | undefined> {
  const theirs = protocolsOf(request);
  const protocol = theirs.find((name) => ours.includes(name));
  if (protocol === undefined) {
    refuse(socket, { status: 403, message: `requested protocol(s) are not supported: [${theirs.join(' ')}]; supports [${ours.join(' ')}]` });
    return undefined;
  }
  const onError = (): unknown => socket.destroy();
  socket.on('error', onError);
  const { createWebSocketStream, WebSocketServer } = await import('ws');
  // Answers to pings are ours, since `ws` gives them without looking how many the client has not yet taken.
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, autoPong: false, maxPayload: LARGEST_MESSAGE });
  // The protocol is agreed on without `ws`: it refuses the whole request for a name with a slash, as that of SPDY has one.
  server.on('headers', (headers) => {
    if (protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const { 'sec-websocket-protocol': _theirs, ...headers } = request.headers;
  const withoutProtocol = Object.create(request, { headers: { value: headers } }) as IncomingMessage;
  // Resolves with nothing when it was no proper handshake: then it has been answered with a 400.
  return new Promise((resolve) => {
    socket.on('close', () => resolve(undefined));
    server.handleUpgrade(withoutProtocol, socket, head, (webSocket) => {
      prepareSocket(socket);
      resolve({ webSocket, protocol, asStream: () => createWebSocketStream(webSocket) });
    });
  });
}

/** The subprotocols that a client offers, in its order; `['']` where it offers none. */
export function protocolsOf(request: IncomingMessage): string[] {
  const names = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return names.length === 1 ? names : names.filter((name) => name !== '');
}
