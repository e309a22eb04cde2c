import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { prepareSocket, refuse, type Refusal } from '../upgrade.ts';

/** What the answer to a handshake is made with (RFC 6455, section 1.3). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * Answers an upgrade to a WebSocket; undefined when it refused, else the subprotocol: the first of the client's that is ours, `''` where it named none.
 * `''` in `ours` allows clients that name none. Extensions are not agreed on: what is carried is rarely worth compressing.
 */
export function acceptWebSocket(request: IncomingMessage, socket: Duplex, ours: readonly string[]): string | undefined {
  const theirs = protocolsOf(request);
  const protocol = theirs.find((name) => ours.includes(name));
  const key = request.headers['sec-websocket-key'] ?? '';
  const refusal = protocol === undefined ? { status: 403, message: `requested protocol(s) are not supported: [${theirs.join(' ')}]; supports [${ours.join(' ')}]` } : badHandshake(request, key);
  if (refusal !== undefined) {
    refuse(socket, refusal);
    return undefined;
  }
  prepareSocket(socket);
  const lines = [
    'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${createHash('sha1').update(key + GUID).digest('base64')}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol}`] : []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return protocol;
}

function badHandshake({ method, headers }: IncomingMessage, key: string): Refusal | undefined {
  if (method !== 'GET') return { status: 405, message: 'a WebSocket is asked for with GET' };
  if (headers['sec-websocket-version'] !== '13') return { status: 400, message: 'missing or bad WebSocket Version', headers: ['Sec-WebSocket-Version: 13'] };
  return KEY.test(key) ? undefined : { status: 400, message: 'missing or bad Sec-WebSocket-Key' };
}

/** The subprotocols that a client offers, in its order; `['']` where it offers none. */
function protocolsOf(request: IncomingMessage): string[] {
  const names = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return names.length === 1 ? names : names.filter((name) => name !== '');
}
