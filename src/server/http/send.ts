import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Answer } from './answer.ts';

/** Sends an answer with back-pressure; resolves when all of it is out, or the client is gone. Rejects when the body's source fails. */
export async function send(response: ServerResponse, { status, headers = {}, body }: Answer): Promise<void> {
  const head = response.req.method === 'HEAD';
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
    const bytes = Buffer.from(body ?? '');
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    response.end(head ? undefined : bytes);
    return;
  }
  response.writeHead(status, headers);
  response.flushHeaders();
  const source = body instanceof Readable ? body : Readable.from(body, { objectMode: false });
  if (head) {
    source.destroy();
    response.end();
    return;
  }
  try {
    await pipeline(source, response, { end: false });
    // The end by itself: kube-apiserver (v1.20 apiserver/pkg/util/wsstream), sending a log on over a WebSocket, drops bytes that come in one piece with it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => response.once('close', resolve).end(resolve));
  } catch (error) {
    if (!clientLeft(error)) throw error;
  }
}

/** Answers over a connection that was to be upgraded, and closes it. */
export async function sendOver(socket: Duplex, request: IncomingMessage, answer: Answer): Promise<void> {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as never);
  response.once('finish', () => socket.end());
  await send(response, answer);
}

/** The client went away while it was being answered: nobody's fault. */
export function clientLeft(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ABORT_ERR';
}
