import { request as plainRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { EngineHost } from './engine-host.ts';

export interface RawRequest {
  readonly method: 'GET' | 'POST';
  /** With the API version and the query. */
  readonly path: string;
  readonly body?: object;
  readonly signal: AbortSignal;
}

/**
 * Calls that last as long as a container or a user does, each on a connection of its own: the pool is for calls that end. They do not
 * go through docker-modem, which sends the chunked end of an empty body after the upgrade, where it is input of the container.
 * Both throw what docker-modem throws.
 */

/** The connection itself, once the Engine has answered; what it sent already is still to be read (Docker Engine API v1.41, "Hijacking"). */
export function hijack(host: EngineHost, wanted: RawRequest): Promise<Duplex> {
  return send<Duplex>(host, wanted, { connection: 'Upgrade', upgrade: 'tcp' }, (request, resolve, reject) => {
    request.on('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('response', (answer) => refuse(answer, reject));
  });
}

/** The answer, once its head is there. */
export function longRequest(host: EngineHost, wanted: RawRequest): Promise<IncomingMessage> {
  return send<IncomingMessage>(host, wanted, {}, (request, resolve, reject) => {
    request.on('response', (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else refuse(answer, reject);
    });
  });
}

function send<T>(
  { options }: EngineHost,
  { method, path, body, signal }: RawRequest,
  headers: Record<string, string>,
  answer: (request: ReturnType<typeof plainRequest>, resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  const { socketPath, host, port, ca, cert, key, protocol } = options;
  const to: RequestOptions = socketPath === undefined ? { host: host ?? '', port: Number(port) } : { socketPath: socketPath };
  const text = body === undefined ? '' : JSON.stringify(body);
  const all = { ...to, ca, cert, key, method, path, signal, agent: false, headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } };
  return new Promise<T>((resolve, reject) => {
    const request = (protocol === 'https' ? secureRequest : plainRequest)(all as RequestOptions);
    request.on('error', reject);
    answer(request, resolve, reject);
    request.end(text);
  });
}

function refuse(answer: IncomingMessage, reject: (error: Error) => void): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('error', reject);
  answer.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    reject(Object.assign(new Error(text), { statusCode: answer.statusCode, json: parsed(text) }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
