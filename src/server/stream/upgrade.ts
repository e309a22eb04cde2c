import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** How long a client has to take a refusal, milliseconds. */
const REFUSAL_MS = 10_000;
/** Milliseconds after which the kernel asks a silent peer whether it is there. */
const KEEP_ALIVE_MS = 30_000;

/** What a client offered, and we did not take. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: readonly string[];
}

/** Answers an upgrade request with an error, in plain HTTP, and closes the connection. */
export function refuse(socket: Duplex, { status, message, headers = [] }: Refusal): void {
  const body = `${message}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'Content-Type: text/plain; charset=utf-8', 'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', ...headers,
  ];
  const timer = setTimeout(() => socket.destroy(), REFUSAL_MS);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  socket.on('end', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
}

/** Makes a socket of the HTTP server one of a stream: no time-outs of HTTP, no waiting for more to send. */
export function prepareSocket(socket: Duplex): void {
  if (!(socket instanceof Socket)) return;
  socket.setTimeout(0);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

export function isWebSocketRequest(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Answers an upgrade to SPDY/3.1. Returns the stream protocol: the first of the client's that we have; undefined when it refused.
 * Words and statuses are those of Kubernetes v1.20 apimachinery/pkg/util/httpstream.
 */
export function acceptSpdy(request: IncomingMessage, socket: Duplex, ours: readonly string[]): string | undefined {
  const theirs = (request.headersDistinct['x-stream-protocol-version'] ?? []).flatMap((line) => line.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  const refusal = refusalOf(request, theirs, ours);
  if (refusal !== undefined) {
    refuse(socket, refusal);
    return undefined;
  }
  const protocol = theirs.find((name) => ours.includes(name)) ?? '';
  prepareSocket(socket);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
  return protocol;
}

function refusalOf(request: IncomingMessage, theirs: readonly string[], ours: readonly string[]): Refusal | undefined {
  if (theirs.length === 0) return { status: 400, message: 'unable to upgrade: X-Stream-Protocol-Version is required' };
  if (!theirs.some((name) => ours.includes(name))) {
    const message = `unable to upgrade: unable to negotiate protocol: client supports [${theirs.join(' ')}], server accepts [${ours.join(' ')}]`;
    return { status: 403, message, headers: ours.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`) };
  }
  const { connection = '', upgrade = '' } = request.headers;
  if (!connection.toLowerCase().includes('upgrade') || !upgrade.toLowerCase().includes('spdy/3.1')) return { status: 400, message: 'unable to upgrade: missing upgrade headers in request' };
  return undefined;
}
