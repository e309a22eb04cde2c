import type { Server } from 'node:http';

/** What one client may take from the others. Times in milliseconds, sizes in bytes. */
export const LIMITS = {
  /** For the TLS handshake. */
  handshakeMs: 10_000,
  /** From the connection (or the previous answer) to the end of the headers: a slow-loris is gone then. */
  headersMs: 20_000,
  /** To the end of the request's body, which none of our endpoints needs. */
  requestMs: 60_000,
  /** Kept-alive connections without a request; kube-apiserver's transport keeps them for 90 s. */
  keepAliveMs: 95_000,
  /** How often the three above are looked at. */
  checkMs: 5_000,
  headerBytes: 65_536,
  /** Headers of one request; more are dropped. */
  headers: 200,
  /** Connections at the same time; more are closed at once. */
  connections: 4_096,
  /** From SIGTERM to the end of answers that are under way. */
  stopMs: 1_000,
} as const;

/** Options of a server that keep to the limits. */
export const serverLimits = {
  maxHeaderSize: LIMITS.headerBytes,
  headersTimeout: LIMITS.headersMs,
  requestTimeout: LIMITS.requestMs,
  keepAliveTimeout: LIMITS.keepAliveMs,
  connectionsCheckingInterval: LIMITS.checkMs,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;

/** The limits that are no options. What is no HTTP, or too much of it, or too slow, gets a word where it can be written, and the end. */
export function limit(server: Server): void {
  server.maxConnections = LIMITS.connections;
  server.maxHeadersCount = LIMITS.headers;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy();
    else socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`, () => socket.destroy());
  });
}

const STATUS: Readonly<Record<string, string>> = { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large', ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout' };
