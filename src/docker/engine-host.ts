import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { inspect } from 'node:util';
import type { DockerOptions } from 'dockerode';
import { KmError } from '../base/index.ts';
import type { EngineTls } from './engine.ts';

/** A connection that nobody used for so long is closed, milliseconds; one that is in use may be silent for longer. */
const IDLE_MS = 30_000;
/** More than pods wait for the Engine at a time; each stream (events, exec, log) holds one for itself. */
const POOL: AgentOptions = { keepAlive: true, maxSockets: 256, maxFreeSockets: 16, scheduling: 'lifo', timeout: IDLE_MS };

/**
 * docker-modem renders each request's options, agent and all its sockets included, for a debug line that nobody reads
 * (0.5 ms of CPU a request). Agents that render as one word take that away.
 */
class PlainAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

class SecureAgent extends TlsAgent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

/** What agents have and their types leave out: every request passes through here. */
interface PassesRequests {
  addRequest(request: ClientRequest, ...options: unknown[]): void;
}

/**
 * docker-modem waits for the end of an answer and for nothing else: one whose connection breaks in the middle (a dockerd that is
 * killed) would never be over, and its call hang for ever. Here such an answer fails its request, which docker-modem does hear.
 */
function hearingCuts<A extends Agent>(agent: A): A {
  const passes = agent as A & PassesRequests;
  const addRequest = passes.addRequest.bind(agent);
  passes.addRequest = (request, ...options) => {
    request.once('response', (answer) => {
      answer.once('close', () => {
        if (!answer.complete) request.emit('error', Object.assign(new Error('the connection broke in the middle of an answer'), { code: 'ECONNRESET' }));
      });
    });
    addRequest(request, ...options);
  };
  return agent;
}

export interface EngineHost {
  /** `agent` is docker-modem's; its types in dockerode leave it out. */
  readonly options: DockerOptions & { readonly agent: Agent };
  readonly agent: Agent;
  readonly isLocal: boolean;
}

/** Where and how to reach the Engine. Throws code `invalid` for anything but `unix:///path` and `tcp://host:port`. */
export function engineHost(host: string, tls?: EngineTls): EngineHost {
  const path = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  if (path !== undefined) {
    const agent = hearingCuts(new PlainAgent(POOL));
    // An explicit empty host: dockerode would take one from the environment.
    return { agent, isLocal: true, options: { socketPath: path, host: '', protocol: 'http', agent } };
  }
  const url = URL.parse(host);
  if (url?.protocol !== 'tcp:' || url.hostname === '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw new KmError('invalid', `"${host}" is no Docker host: want unix:///path or tcp://host:port`);
  }
  const agent = hearingCuts(tls === undefined ? new PlainAgent(POOL) : new SecureAgent(POOL));
  const port = url.port !== '' ? Number(url.port) : tls === undefined ? 2375 : 2376;
  const options = { agent, port, host: url.hostname.replace(/^\[|\]$/g, '') };
  return {
    agent,
    isLocal: false,
    options: tls === undefined ? { ...options, protocol: 'http' } : { ...options, ...tls, protocol: 'https' },
  };
}
