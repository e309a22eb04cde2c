import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { errorLine, type Answer } from './answer.ts';
import { pathOf, queryOf } from './asked.ts';
import { limit, LIMITS, serverLimits } from './limits.ts';
import { close, connectionsOf, listen, type Listening } from './listen.ts';
import { Router, type Route } from './router.ts';
import { send } from './send.ts';

/** Plain HTTP without credentials for whoever watches over the executor on its own machine: healthz and nothing else. */
export class HealthzServer {
  readonly #listening: Listening;
  readonly #router: Router;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connections: ReadonlySet<Socket>;
  #port = 0;

  constructor(options: { listening: Listening; routes: readonly Route[]; clock: Clock; logger: Logger }) {
    this.#listening = options.listening;
    this.#router = new Router(options.routes);
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#server = createServer({ ...serverLimits, maxHeaderSize: LIMITS.healthzHeaderBytes }, (request, response) => this.#serve(request, response));
    limit(this.#server);
    this.#connections = connectionsOf(this.#server);
  }

  /** 0 until it listens. */
  get port(): number {
    return this.#port;
  }

  /** Resolves when it listens. Throws code `conflict` when the port is taken, `invalid` when the address cannot be used. */
  async start(): Promise<void> {
    this.#port = await listen(this.#server, this.#listening, this.#logger);
  }

  async stop(): Promise<void> {
    await close(this.#server, this.#clock, this.#connections);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#answer(request)
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = pathOf(request);
    if (path === undefined) return errorLine(400, '400 Bad Request');
    const method = request.method ?? '';
    const match = this.#router.find(method, path);
    return 'answer' in match ? match.answer : match.route.serve({ request, method, path, query: queryOf(request), params: match.params, signal: new AbortController().signal });
  }
}
