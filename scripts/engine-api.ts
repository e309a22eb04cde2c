/**
 * The few calls to the Docker Engine that set-up and benches make, over one kept-alive connection. Deliberately bare: set-up asks
 * it on every `make`, so it must load in no time, and a bench that measures the Engine must add nothing of its own.
 */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

export interface EngineAnswer {
  readonly status: number;
  readonly text: string;
}

export interface EngineRequest {
  /** JSON body, or a stream of a tar archive. */
  readonly body?: unknown;
  readonly tar?: Readable;
  /** For a registry, in the header that the Engine hands on. */
  readonly registryAuth?: { readonly username: string; readonly password: string };
  /** Longest silence, milliseconds; one minute unless told. */
  readonly timeoutMs?: number;
}

export interface EngineConnection {
  /** Resolves with whatever the Engine answers; rejects only when it does not. */
  request(method: string, path: string, options?: EngineRequest): Promise<EngineAnswer>;
  close(): void;
}

/** The Engine that DOCKER_HOST (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH) names, as the docker client reads them; else the usual socket. */
export function connectEngine(environment: NodeJS.ProcessEnv): EngineConnection {
  const where = environment.DOCKER_HOST ?? 'unix:///var/run/docker.sock';
  const tls = where.startsWith('https:') || (environment.DOCKER_TLS_VERIFY ?? '') !== '';
  const agent = tls ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...certificates(environment) }) : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const base = address(where);
  return {
    request: (method, path, options = {}) =>
      new Promise((resolve, reject) => {
        const body = options.body === undefined ? undefined : Buffer.from(JSON.stringify(options.body));
        const headers: Record<string, string | number> = { host: 'docker' };
        if (body !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length });
        if (options.registryAuth !== undefined) headers['x-registry-auth'] = Buffer.from(JSON.stringify(options.registryAuth)).toString('base64url');
        if (options.tar !== undefined) headers['content-type'] = 'application/x-tar';
        const request = (tls ? httpsRequest : httpRequest)({ ...base, method, path, agent, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        });
        request.setTimeout(options.timeoutMs ?? 60_000, () => request.destroy(new Error(`the Docker Engine was silent for too long (${method} ${path})`)));
        request.on('error', reject);
        if (options.tar === undefined) request.end(body);
        else options.tar.on('error', (error) => request.destroy(error)).pipe(request);
      }),
    close: () => agent.destroy(),
  };
}

function address(where: string): RequestOptions {
  if (where.startsWith('unix://')) return { socketPath: where.slice('unix://'.length) };
  if (where.startsWith('/')) return { socketPath: where };
  const url = new URL(where.replace(/^tcp:/, 'http:'));
  return { host: url.hostname, port: url.port === '' ? 2375 : url.port };
}

function certificates(environment: NodeJS.ProcessEnv): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const folder = environment.DOCKER_CERT_PATH;
  if (folder === undefined) return {};
  return { ca: readFileSync(join(folder, 'ca.pem')), cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) };
}
