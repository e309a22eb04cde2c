import { STATUS_CODES, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { stringify as stringifyYaml } from 'yaml';
import type { Form } from './negotiate.ts';

/** An answer that is known as a whole. */
export interface Reply {
  readonly status: number;
  /** Text goes out as it is, everything else in the client's form. */
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
  const yaml = reply.form?.encoding === 'yaml';
  const text = typeof reply.body === 'string' ? reply.body : yaml ? stringifyYaml(reply.body) : `${JSON.stringify(reply.body, null, reply.pretty === true ? 2 : undefined)}\n`;
  const bytes = Buffer.from(text);
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

/** Refuses a connection that was to be upgraded, and ends it. */
export function refuse(socket: Duplex, reply: Reply): void {
  const body = JSON.stringify(reply.body);
  const head = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`, 'content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
