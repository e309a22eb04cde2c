import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { timeoutSignal } from '../base/index.ts';
import type { HttpTarget } from '../pod/index.ts';

/** Most that is kept of an answer's body, bytes (Kubernetes v1.20 pkg/probe/http). */
const BODY_BYTES = 10 * 1024;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

interface Header {
  readonly name: string;
  readonly value: string;
}

/** GETs once; a text is the reason why there is no answer. TLS is not verified, proxies are not asked. */
export function httpGet({ scheme, host, port, path }: HttpTarget, headers: readonly Header[], timeoutMs: number, signal: AbortSignal): Promise<HttpAnswer | string> {
  return new Promise((resolve) => {
    const limit = AbortSignal.any([signal, timeoutSignal(timeoutMs)]);
    const fail = (error: Error): void => resolve(limit.aborted && !signal.aborted ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : error.message);
    const send = scheme === 'https' ? httpsRequest : httpRequest;
    const options = { host, port, path, agent: false, headers: headersOf(headers), signal: limit, ...(scheme === 'https' && { rejectUnauthorized: false }) };
    const request = send(options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (): void => resolve({
        status: response.statusCode ?? 0,
        body: Buffer.concat(chunks).toString('utf8', 0, BODY_BYTES),
        location: response.headers.location,
      });
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < BODY_BYTES) return;
        end();
        response.destroy();
      });
      response.on('end', end);
      response.on('error', fail);
    });
    request.on('error', fail);
    request.end();
  });
}

/** Ours where the action has none of that name; an empty `Accept` takes ours away; of several `Host` the first counts. */
function headersOf(given: readonly Header[]): Record<string, string | string[]> {
  const headers: Record<string, string[]> = {};
  for (const { name, value } of given) (headers[name.toLowerCase()] ??= []).push(value);
  const { host, accept = ['*/*'], 'user-agent': agent = ['kube-probe/1.20'], ...rest } = headers;
  return {
    ...rest,
    connection: ['close'],
    'user-agent': agent[0] ?? '',
    ...(accept[0] !== '' && { accept }),
    ...(host?.[0] !== undefined && { host: host[0] }),
  };
}
