import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';

export interface Request {
  readonly method: 'GET' | 'POST';
  /** Without the API version. */
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: object;
  readonly authconfig?: object;
  readonly signal?: AbortSignal;
}

/**
 * A call whose answer comes as a stream, where dockerode's own method would collect it or has no form for it. Resolves with
 * the answer once its head is there; throws what docker-modem throws.
 */
export function dialStream(docker: Docker, request: Request): Promise<IncomingMessage> {
  const options = {
    method: request.method,
    path: request.query === undefined ? request.path : `${request.path}?`,
    options: { _query: request.query ?? {}, _body: request.body ?? {} },
    isStream: true,
    statusCodes: { 200: true },
    ...(request.body !== undefined && { allowEmpty: true }),
    ...(request.authconfig !== undefined && { authconfig: request.authconfig }),
    ...(request.signal !== undefined && { abortSignal: request.signal }),
  };
  return new Promise((resolve, reject) => {
    const modem = docker.modem as { dial(options: object, callback: (error: Error | null, answer: IncomingMessage | null) => void): void };
    modem.dial(options, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(answer as IncomingMessage);
    });
  });
}

/** A short answer to a GET, as text: dockerode's own methods for it take no signal, and would keep the connection of a call for which nobody waits any more. */
export async function ask(docker: Docker, path: string, signal: AbortSignal): Promise<string> {
  return text(await dialStream(docker, { method: 'GET', path, signal }));
}
