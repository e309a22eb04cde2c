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
  /** Of the head of one request, as with the kubelet and kube-apiserver (Go's `MaxHeaderBytes`): a command and its arguments stand in the query. */
  headerBytes: 1_048_576,
  /** The same where nobody has anything long to say. */
  healthzHeaderBytes: 16_384,
  /** Of requests whose sender we do not know yet: each connection, and all together beyond that. */
  unadmitted: { free: 8_192, shared: 16 * 1_048_576, parts: 2_048 },
  /** Headers of one request; more are dropped. */
  headers: 200,
  /** Connections at the same time; more are closed at once. */
  connections: 4_096,
  /** From SIGTERM to the end of answers that are under way. */
  stopMs: 1_000,
  /** For a client to hear why it is not served. */
  lingerMs: 500,
} as const;

/** Options of a server that keep to the limits. */
export const serverLimits: Readonly<Record<'maxHeaderSize' | 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'connectionsCheckingInterval' | 'keepAliveInitialDelay', number>> & { readonly noDelay: boolean; readonly keepAlive: boolean } = {
  maxHeaderSize: LIMITS.headerBytes,
  headersTimeout: LIMITS.headersMs,
  requestTimeout: LIMITS.requestMs,
  keepAliveTimeout: LIMITS.keepAliveMs,
  connectionsCheckingInterval: LIMITS.checkMs,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
};

/** The limits that are no options. What is no HTTP, or too much of it, or too slow, gets a word where it can be written, and the end. */
export function limit(server: Server): void {
  server.maxConnections = LIMITS.connections;
  server.maxHeadersCount = LIMITS.headers;
  const told = new WeakSet<object>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (told.has(socket)) return; // what it goes on sending is no better
    told.add(socket);
    const status = STATUS[error.code ?? ''] ?? '400 Bad Request';
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    // What still comes is read for a moment: closing at once would take the answer from a client that is still sending.
    const linger = setTimeout(() => socket.destroy(), LIMITS.lingerMs);
    socket.once('close', () => clearTimeout(linger));
    // As Go's server says it: kubectl shows the body.
    socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
  });
}

const STATUS: Readonly<Record<string, string>> = { HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large', ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout' };
