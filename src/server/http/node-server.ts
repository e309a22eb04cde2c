import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CIPHERS, type Clock, messageOf } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { Gate } from '../access/gate.ts';
import type { TlsMaterial } from '../certificate/tls-material.ts';
import { errorLine, Refusal, text, type Answer } from './answer.ts';
import { pathOf, queryOf } from './asked.ts';
import { limit, LIMITS, serverLimits } from './limits.ts';
import { close, connectionsOf, listen, type Listening } from './listen.ts';
import type { RequestMeter } from './request-meter.ts';
import { Router, type Route, type Visit } from './router.ts';
import { clientLeft, send, sendOver } from './send.ts';
import { Unadmitted, type Admission, type UnadmittedLimits } from './unadmitted.ts';

export interface NodeServerOptions {
  readonly listening: Listening;
  readonly tls: TlsMaterial;
  readonly gate: Gate;
  readonly routes: readonly Route[];
  readonly meter: RequestMeter;
  /** Other limits than the usual ones. */
  readonly limits?: Partial<typeof serverLimits & { readonly unadmitted: UnadmittedLimits }>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The node's HTTPS server: connections, limits, credentials, routes; what is served stands in the routes.
 *
 * No client keeps others from being served: a connection that says nothing, or too much, or too slowly is closed.
 */
export class NodeServer {
  readonly #options: NodeServerOptions;
  readonly #router: Router;
  readonly #server: Server;
  readonly #connections: ReadonlySet<Socket>;
  readonly #unadmitted: Unadmitted;
  readonly #forgetTls: () => void;
  #port = 0;

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    // Without tickets every connection shows its certificate anew: one that has been withdrawn cannot live on in a resumed session.
    const tls = { minVersion: 'TLSv1.2', ciphers: CIPHERS, secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION, handshakeTimeout: LIMITS.handshakeMs } as const;
    const { unadmitted = LIMITS.unadmitted, ...others } = options.limits ?? {};
    this.#unadmitted = new Unadmitted(unadmitted);
    const settings = {
      ...serverLimits,
      ...others,
      ...tls,
      ...options.tls.current(),
      rejectUnauthorized: false,
      // As Go's server: who asks for another protocol where there is none is answered in this one.
      shouldUpgradeCallback: (request: IncomingMessage) => this.#canUpgrade(request),
    };
    this.#server = createServer(settings, (request, response) => this.#serve(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#onUpgrade(request, socket, head));
    this.#server.on('secureConnection', (socket: Socket) => this.#unadmitted.watch(socket));
    this.#server.on('tlsClientError', (error) => options.logger.debug('a TLS handshake with the node failed', { error: messageOf(error) }));
    limit(this.#server);
    this.#connections = connectionsOf(this.#server);
    this.#forgetTls = options.tls.onChange(() => {
      this.#server.setSecureContext({ ...tls, ...options.tls.current() });
      this.#server.closeIdleConnections();
    });
  }

  /** 0 until it listens. */
  get port(): number {
    return this.#port;
  }

  /** Resolves when it listens. Throws code `conflict` when the port is taken, `invalid` when the address cannot be used. */
  async start(): Promise<void> {
    this.#port = await listen(this.#server, this.#options.listening, this.#options.logger);
  }

  /** Takes no more requests, gives those under way a moment, then closes everything. */
  async stop(): Promise<void> {
    this.#forgetTls();
    await close(this.#server, this.#options.clock, this.#connections);
  }

  #canUpgrade(request: IncomingMessage): boolean {
    const path = pathOf(request);
    const match = path === undefined ? undefined : this.#router.find(request.method ?? '', path);
    return match !== undefined && 'route' in match && match.route.upgrade !== undefined;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const done = this.#options.meter.begin(request);
    const admission = this.#unadmitted.begin(request.socket);
    this.#answer(request, gone.signal, admission, undefined)
      .then((answer) => answer && send(response, answer))
      .catch((error: unknown) => this.#failed(request, response, error))
      .finally(() => {
        done();
        admission.over();
        request.resume(); // a body that nobody wanted must not hold up the next request
      });
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const gone = new AbortController();
    const admission = this.#unadmitted.begin(request.socket);
    this.#unadmitted.unwatch(request.socket);
    socket.on('error', (error) => this.#options.logger.debug('a connection to the node broke', { error: messageOf(error) }));
    socket.once('close', () => gone.abort());
    const done = this.#options.meter.begin(request);
    socket.once('close', done);
    this.#answer(request, gone.signal, admission, { socket, head })
      .then((answer) => answer && sendOver(socket, request, answer))
      .finally(() => admission.over())
      .catch((error: unknown) => {
        this.#options.logger.error('a request to the node failed', { method: request.method, error: messageOf(error) });
        socket.destroy();
      });
  }

  /** Admits and serves a request; `undefined` when its connection was taken over. */
  async #answer(request: IncomingMessage, signal: AbortSignal, admission: Admission, upgraded: { socket: Duplex; head: Buffer } | undefined): Promise<Answer | undefined> {
    const path = pathOf(request);
    if (path === undefined) return errorLine(400, '400 Bad Request');
    const method = request.method ?? '';
    const match = this.#router.find(method, path);
    if ('open' in match && match.open) return match.answer;
    try {
      await this.#options.gate.admit(request, path);
      admission.admitted();
      if (signal.aborted) return undefined;
      if ('answer' in match) return match.answer;
      const visit: Visit = { request, method, path, query: queryOf(request), params: match.params, signal };
      if (upgraded === undefined) return await match.route.serve(visit);
      await match.route.upgrade?.(visit, upgraded);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      if (signal.aborted) return undefined;
      this.#options.logger.error('a request to the node failed', { method, path, error });
      return text(500, messageOf(error));
    }
  }

  #failed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (!clientLeft(error)) this.#options.logger.warn('an answer of the node broke off', { method: request.method, error: messageOf(error) });
    response.destroy();
  }
}
