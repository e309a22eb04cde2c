import { Client, type Dispatcher } from 'undici';
import { KmError, messageOf } from '../base/index.ts';
import type { ContentType } from './codec.ts';
import type { AgentAddress } from './environment.ts';
import { tlsOptions } from './tls.ts';

export interface AgentHttpOptions {
  readonly agent: AgentAddress;
  readonly contentType: ContentType;
  /** Goes into every request's header, nowhere else. */
  readonly authenticationToken: string | undefined;
  /** How long the agent may take to begin its answer, milliseconds. */
  readonly answerTimeoutMs: number;
}

export interface Answer {
  readonly status: number;
  /** What the agent said, at most some lines. */
  readonly text: string;
}

/** An event stream that has begun, or the answer why not. Whoever gets it closes it. */
export interface Stream extends Answer {
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A silent peer is asked after this long; Node asks ten times, a second apart, before it gives the connection up. */
const KEEP_ALIVE_DELAY_MS = 30_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** As long as the agent's own heartbeat: the second connection is kept, not opened for each call. */
const IDLE_CONNECTION_MS = 31 * 60_000;
const LONGEST_ERROR_TEXT = 1_000;

/**
 * Requests to the agent. SUBSCRIBE always gets a connection of its own: the agent writes the answer to any other call on it
 * into the event stream. The other calls share one connection.
 */
export class AgentHttp {
  readonly #options: AgentHttpOptions;
  #calls: Promise<Client> | undefined;

  constructor(options: AgentHttpOptions) {
    this.#options = options;
  }

  /** Sends SUBSCRIBE. The stream has no time limit once it has begun. Throws `unavailable`, `timeout`, `invalid` (TLS files) or `aborted`. */
  async subscribe(body: Uint8Array, signal: AbortSignal): Promise<Stream> {
    const client = await this.#client();
    try {
      const response = await this.#post(client, body, signal);
      const text = response.statusCode === 200 ? '' : await this.#textOf(response, client);
      return { status: response.statusCode, text, chunks: chunksOf(response.body), close: () => client.destroy() };
    } catch (error) {
      await client.destroy();
      throw translate(error, signal);
    }
  }

  /** Sends any other call. Throws as `subscribe` does. */
  async call(body: Uint8Array, signal: AbortSignal): Promise<Answer> {
    this.#calls ??= this.#client();
    const client = this.#calls;
    try {
      const response = await this.#post(await client, body, signal);
      return { status: response.statusCode, text: await this.#textOf(response, await client) };
    } catch (error) {
      if (this.#calls === client) this.closeCalls();
      throw translate(error, signal);
    }
  }

  /** Gives up the connection for calls; the next one opens another. */
  closeCalls(): void {
    const client = this.#calls;
    this.#calls = undefined;
    void client?.then((open) => open.destroy()).catch(() => undefined); // it may never have been made
  }

  /** What the agent says beside the status, all of it in as much time as the answer may take. */
  async #textOf(response: Dispatcher.ResponseData, client: Client): Promise<string> {
    const timer = setTimeout(() => void client.destroy(new KmError('timeout', 'the agent does not end its answer')), this.#options.answerTimeoutMs);
    try {
      return await beginning(response.body);
    } finally {
      clearTimeout(timer);
    }
  }

  async #client(): Promise<Client> {
    const { agent, answerTimeoutMs } = this.#options;
    const { socketPath, tls } = agent;
    const secure = socketPath === undefined && tls !== undefined;
    const host = agent.host.includes(':') ? `[${agent.host}]` : agent.host;
    return new Client(`${secure ? 'https' : 'http'}://${host}:${agent.port}`, {
      pipelining: 1,
      allowH2: false,
      headersTimeout: answerTimeoutMs,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS,
      connect: {
        timeout: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
        ...(socketPath === undefined ? {} : { socketPath }),
        ...(secure ? await tlsOptions(agent, tls) : {}),
      },
    });
  }

  #post(client: Client, body: Uint8Array, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { agent, contentType, authenticationToken } = this.#options;
    return client.request({
      method: 'POST',
      path: agent.path,
      body,
      signal,
      headers: {
        'content-type': contentType, // exactly: a charset is 415
        accept: contentType,
        ...(authenticationToken === undefined ? {} : { authorization: `Bearer ${authenticationToken}` }),
      },
    });
  }
}

async function* chunksOf(body: Dispatcher.ResponseData['body']): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw translate(error);
  }
}

/** The first lines of an answer; the rest is read and thrown away. */
async function beginning(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  for await (const chunk of body) if (text.length < LONGEST_ERROR_TEXT) text += Buffer.from(chunk as Uint8Array).toString('latin1');
  return text.slice(0, LONGEST_ERROR_TEXT).trim();
}

function translate(error: unknown, signal?: AbortSignal): KmError {
  if (error instanceof KmError) return error;
  if (signal?.aborted === true) return new KmError('aborted', 'the request was given up', { cause: error });
  const code = (error as { code?: unknown }).code;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') return new KmError('timeout', 'the agent does not answer', { cause: error });
  return new KmError('unavailable', messageOf(error), { cause: error });
}
