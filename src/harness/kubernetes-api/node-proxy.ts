import { request as httpRequest, STATUS_CODES, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, pour } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { ApiError, badRequest } from './api-error.ts';
import { isPage, readPage, rewriteLinks } from './html-links.ts';
import { logProtocol, sendLog } from './log-socket.ts';
import { nodeLocation, type NodeLocation } from './node-location.ts';
import { locationHere, type ProxiedPlace } from './redirect.ts';
import { refuse, send, type Reply } from './reply.ts';
import { errorReply, type NodeRequest } from './server.ts';
import type { KubernetesObject } from './types.ts';

export interface NodeProxyOptions {
  readonly nodeNamed: (name: string) => KubernetesObject | undefined;
  /** With which we show the node who we are; it asks us whose it is (TokenReview). */
  readonly token: string;
  readonly logger: Logger;
}

/** Headers of one connection, and those with which a client shows itself to us. */
const NOT_PASSED_ON = new Set(['authorization', 'connection', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** Bytes of a node's words on why it has no log that are read. */
const LONGEST_REFUSAL = 2048;
/** How long a client may take to close once the node has said all, milliseconds. */
const CLOSING_MS = 10_000;

/**
 * The way to the nodes and to what runs on them, for what only they can answer. Like kube-apiserver it asks the node's API as a client of its own, and once the
 * node has agreed to another protocol it carries bytes.
 */
export class NodeProxy {
  readonly #options: NodeProxyOptions;

  constructor(options: NodeProxyOptions) {
    this.#options = options;
  }

  /** Answers by itself, errors included. `body` is the client's, where it has been read. */
  request(what: NodeRequest, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const fail = (error: unknown): void => {
      if (response.headersSent) response.destroy();
      else send(response, errorReply(error));
    };
    try {
      if (what.subresource !== 'log' && what.subresource !== 'proxy') throw badRequest('Upgrade request required');
      const location = nodeLocation(what, this.#options.nodeNamed);
      if (location === undefined) return void response.writeHead(204).end();
      const [path = '', query] = (request.url ?? '').split('?');
      // So that what is relative in the answer is so to a directory (Kubernetes v1.20 apimachinery/pkg/util/proxy/upgradeaware.go).
      if (what.subresource === 'proxy' && path === what.prefix) return void response.writeHead(301, { location: `${path}/${query === undefined ? '' : `?${query}`}` }).end();
      const upstream = this.#ask(location, request, what.subresource === 'proxy' ? { 'x-forwarded-uri': path } : {});
      upstream.on('error', (error) => fail(unreachable(what, location, error)));
      upstream.on('response', (answer) => {
        this.#answer(what, { prefix: what.prefix, hosts: [`${location.host}:${location.port}`, request.headers.host ?? ''] }, answer, response).catch((error: unknown) => {
          this.#broke(error);
          response.destroy();
        });
      });
      response.on('close', () => {
        upstream.destroy();
        request.unpipe().resume(); // what nobody wanted of it, or the connection's next request is not come to
      });
      if (what.subresource === 'proxy') request.pipe(upstream); // no pipeline: it would break the connection before we could say why
      else upstream.end(body);
    } catch (error) {
      fail(error);
    }
  }

  /** The client wants to speak SPDY or WebSocket; `head` is what it sent already. Answers by itself, errors included. */
  upgrade(what: NodeRequest, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    let location: NodeLocation | undefined;
    try {
      if (what.subresource === 'log') logProtocol(request);
      location = nodeLocation(what, this.#options.nodeNamed);
    } catch (error) {
      return refuse(socket, errorReply(error));
    }
    if (what.subresource === 'log' || location === undefined) return this.#logOverWebSocket(what, location, request, socket, head);
    const upstream = this.#ask(location, request, { connection: 'Upgrade', upgrade: request.headers.upgrade });
    const giveUp = (): unknown => upstream.destroy();
    socket.on('close', giveUp);
    upstream.on('error', (error) => {
      if (socket.writable) refuse(socket, errorReply(unreachable(what, location, error)));
    });
    upstream.on('response', (answer) => {
      socket.write(headOf(answer, ['connection: close']));
      pipeline(answer, socket).catch((error: unknown) => this.#broke(error));
    });
    upstream.on('upgrade', (answer, nodeSocket, nodeHead) => {
      socket.off('close', giveUp);
      nodeSocket.on('error', (error) => this.#broke(error));
      socket.write(headOf(answer, []));
      socket.write(nodeHead);
      nodeSocket.write(head);
      carry(socket, nodeSocket);
    });
    upstream.end();
  }

  /** Kubernetes v1.20 apiserver/pkg/endpoints/handlers/responsewriters/writers.go StreamObject. */
  #logOverWebSocket(what: NodeRequest, location: NodeLocation | undefined, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const failed = (error: unknown): void => {
      this.#broke(error);
      socket.destroy();
    };
    if (location === undefined) return void sendLog(request, socket, head, Readable.from([])).catch(failed);
    const upstream = this.#ask(location, request, {}, ['sec-websocket-']);
    socket.on('close', () => upstream.destroy());
    upstream.on('error', (error) => {
      if (socket.writable) refuse(socket, errorReply(unreachable(what, location, error)));
    });
    const answered = async (answer: IncomingMessage): Promise<void> => {
      const status = answer.statusCode ?? 502;
      if (status >= 400) refuse(socket, await logRefusal(what, status, answer));
      else await sendLog(request, socket, head, answer);
    };
    upstream.on('response', (answer) => {
      answered(answer).catch(failed);
    });
    upstream.end();
  }

  /** With our credentials where the node's own API is asked; headers whose names begin as one of `without` are left out. */
  #ask({ host, port, path, isNodeApi, secure }: NodeLocation, request: IncomingMessage, more: OutgoingHttpHeaders, without: readonly string[] = []): ClientRequest {
    const passed = Object.entries(request.headers).filter(([name]) => !NOT_PASSED_ON.has(name) && !without.some((start) => name.startsWith(start)));
    // Of unknown length it stays: without that Node would send a DELETE's body as if it were another request.
    const framing = request.headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
    const credentials = isNodeApi ? { authorization: `Bearer ${this.#options.token}` } : {};
    const options = { host, port, path, method: request.method, headers: { ...Object.fromEntries(passed), ...framing, ...more, ...credentials }, agent: false } as const;
    // As kube-apiserver without --kubelet-certificate-authority: a node's certificate may be of its own making.
    return secure ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  }

  async #answer(what: NodeRequest, place: ProxiedPlace, answer: IncomingMessage, response: ServerResponse): Promise<void> {
    const status = answer.statusCode ?? 502;
    if (what.subresource === 'log' && status >= 400) return send(response, await logRefusal(what, status, answer));
    const headers = Object.entries(answer.headers).filter(([name]) => !NOT_PASSED_ON.has(name));
    const { location } = answer.headers;
    if (what.subresource === 'proxy' && location === undefined && response.req.method !== 'HEAD' && isPage(answer.headers)) {
      const page = await readPage(answer, answer.headers['content-encoding'] === 'gzip');
      const kept = headers.filter(([name]) => !['content-length', 'content-encoding'].includes(name));
      response.writeHead(status, Object.fromEntries(kept)).end(rewriteLinks(page, (address) => locationHere(address, place)), 'latin1');
      return;
    }
    response.writeHead(status, { ...Object.fromEntries(headers), ...(location !== undefined && { location: locationHere(location, place) }) });
    response.flushHeaders();
    await pipeline(answer, response);
  }

  #broke(error: unknown): void {
    this.#options.logger.debug('a connection through the embedded Kubernetes API broke', { error: messageOf(error) });
  }
}

/** Bytes both ways, until one side ends: then the other gets what is left, and both are closed. */
function carry(client: Duplex, node: Duplex): void {
  const stopClient = pour(client, node);
  pour(node, client);
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearTimeout(timer);
    client.destroy();
    node.destroy();
  };
  for (const socket of [client, node]) socket.on('error', close).on('close', close);
  client.on('end', close);
  node.on('end', () => {
    // The client goes first: a socket that is closed with bytes unread would take back what the client has not read yet.
    stopClient();
    client.resume();
    client.end();
    timer = setTimeout(close, CLOSING_MS);
  });
}

/** The head of an answer as it came. */
function headOf({ statusCode = 502, statusMessage, rawHeaders }: IncomingMessage, more: readonly string[]): string {
  const headers = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
  const kept = more.length === 0 ? headers : headers.filter((line) => !/^(connection|transfer-encoding):/i.test(line));
  return `${[`HTTP/1.1 ${statusCode} ${statusMessage ?? STATUS_CODES[statusCode] ?? ''}`, ...kept, ...more].join('\r\n')}\r\n\r\n`;
}

/** What a client is told instead of a log (Kubernetes v1.20 apiserver/pkg/registry/generic/rest/response_checker.go). */
async function logRefusal({ object }: NodeRequest, status: number, answer: IncomingMessage): Promise<Reply> {
  let words = '';
  for await (const chunk of answer as AsyncIterable<Buffer>) if (words.length < LONGEST_REFUSAL) words += chunk.toString('utf8');
  const said = words.slice(0, LONGEST_REFUSAL);
  if (status === 400) return errorReply(badRequest(said));
  if (status === 500) return errorReply(new ApiError(500, 'InternalError', `Internal error occurred: ${said}`, { causes: [] }));
  const details = { name: object.metadata.name, kind: 'pods' };
  if (status === 404) return errorReply(new ApiError(404, 'NotFound', `the server could not find the requested resource ( pods/log ${object.metadata.name})`, details));
  return errorReply(new ApiError(status, '', said, details));
}

function unreachable({ subresource }: NodeRequest, { host, port, path }: NodeLocation, error: Error): ApiError {
  const why = messageOf(error);
  if (subresource === 'proxy') return new ApiError(503, 'ServiceUnavailable', `error trying to reach service: ${why}`, {});
  return new ApiError(500, 'InternalError', `Internal error occurred: error dialing backend: ${host}:${port}${path.split('?')[0]}: ${why}`, {});
}
