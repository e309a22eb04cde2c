import { STATUS_CODES, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { stringify as stringifyYaml } from 'yaml';
import type { Form } from './negotiate.ts';

/** An answer that is known as a whole. */
export interface Reply {
  readonly status: number;
  /** Text and bytes go out as they are, everything else in the client's form. */
  readonly body: unknown;
  /** Content-Type, where it is not that of `form`. */
  readonly mediaType?: string;
  readonly form?: Form;
  readonly pretty?: boolean;
  /** Warnings to the user (kubectl prints them). */
  readonly warnings?: readonly string[];
}

/** Writes the reply in one piece. */
export function send(response: ServerResponse, reply: Reply): void {
  const bytes = bytesOf(reply);
  const warnings = (reply.warnings ?? []).map((warning) => `299 - ${JSON.stringify(warning)}`);
  const headers: OutgoingHttpHeaders = {
    'content-type': reply.mediaType ?? reply.form?.mediaType ?? 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-cache, private',
  };
  if (warnings.length > 0) response.setHeader('warning', warnings);
  response.writeHead(reply.status, headers);
  response.end(bytes);
}

function bytesOf({ body, form, pretty }: Reply): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(form?.encoding === 'yaml' ? stringifyYaml(body) : `${JSON.stringify(body, null, pretty === true ? 2 : undefined)}\n`);
}

/** Refuses a connection that was to be upgraded, and ends it. */
export function refuse(socket: Duplex, reply: Reply): void {
  const body = JSON.stringify(reply.body);
  const head = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** How long a client may go on sending what is not read any more, so that it hears why, milliseconds. */
const LINGER_MS = 500;

/** Refuses what could not be read as a request, in the words of Go's server, and ends the connection: Node's own answer has none that kubectl could show. */
export function refuseUnread(socket: Duplex, error: NodeJS.ErrnoException): void {
  if (socket.writableEnded) return; // told already: what it goes on sending is no better
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const words = `${status} ${STATUS_CODES[status]}`;
  const linger = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(linger));
  socket.end(`HTTP/1.1 ${words}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n${words}`);
}
