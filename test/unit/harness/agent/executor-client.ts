import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { decodeEvent, encodeCall, RecordDecoder, randomUuid, type Call, type ContentType, type Event, type TaskInfo, type TaskState } from '../../../../src/mesos/index.ts';
import type { AgentEmulator } from '../../../../src/harness/index.ts';

/** What a client knows of the agent that it talks to. */
export type Reachable = Pick<AgentEmulator, 'port' | 'identity'>;

export interface RawCall {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly socketPath?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** One request on a connection of its own. */
export function send(agent: Pick<AgentEmulator, 'port'>, call: RawCall): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const to = call.socketPath === undefined ? { host: '127.0.0.1', port: agent.port } : { socketPath: call.socketPath };
    const out = request({ ...to, agent: false, method: call.method ?? 'POST', path: call.path ?? '/api/v1/executor', headers: call.headers ?? {} });
    out.on('error', reject);
    out.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), headers: response.headers }));
    });
    out.end(call.body);
  });
}

/** An executor by hand: it says what it is told to say. */
export class ExecutorClient {
  readonly events: Event[] = [];
  /** Resolves when the stream has ended: `end` after a last chunk, `broken` otherwise. */
  ended: Promise<'end' | 'broken'> = Promise.resolve('broken');
  readonly #agent: Reachable;
  readonly #contentType: ContentType;
  #waiting: (() => void)[] = [];
  #abort: (() => void) | undefined;

  constructor(agent: Reachable, contentType: ContentType = 'application/json') {
    this.#agent = agent;
    this.#contentType = contentType;
  }

  async subscribe(subscribe: Extract<Call, { type: 'SUBSCRIBE' }>['subscribe'] = {}): Promise<number> {
    const body = encodeCall({ ...this.#caller(), type: 'SUBSCRIBE', subscribe }, this.#contentType);
    return new Promise((resolve, reject) => {
      const out = request({
        host: '127.0.0.1', port: this.#agent.port, agent: false, method: 'POST', path: '/api/v1/executor',
        headers: { 'Content-Type': this.#contentType, Accept: this.#contentType, 'Content-Length': String(body.length) },
      });
      out.on('error', reject);
      out.on('response', (response) => {
        if (response.statusCode === 200) this.#read(response);
        else response.resume();
        resolve(response.statusCode ?? 0);
      });
      this.#abort = () => out.destroy();
      out.end(body);
    });
  }

  async update(taskId: string, state: TaskState, uuid: Uint8Array = randomUuid()): Promise<number> {
    return this.call({ type: 'UPDATE', update: { status: this.status(taskId, state, uuid) } });
  }

  status(taskId: string, state: TaskState, uuid: Uint8Array = randomUuid()) {
    return { task_id: { value: taskId }, state, source: 'SOURCE_EXECUTOR', uuid, executor_id: this.#caller().executor_id } as const;
  }

  async call(call: Parameters<typeof this.encode>[0]): Promise<number> {
    return (await send(this.#agent, { headers: { 'Content-Type': this.#contentType }, body: this.encode(call) })).status;
  }

  encode(call: Omit<Extract<Call, { type: 'UPDATE' }>, 'executor_id' | 'framework_id'> | Omit<Extract<Call, { type: 'MESSAGE' }>, 'executor_id' | 'framework_id'> | { type: 'HEARTBEAT' }): Uint8Array {
    return encodeCall({ ...this.#caller(), ...call }, this.#contentType);
  }

  /** Resolves with the first `count` events of that type, as soon as they are there. */
  async received<T extends Event['type']>(type: T, count = 1): Promise<Extract<Event, { type: T }>[]> {
    for (;;) {
      const found = this.events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  hangUp(): void {
    this.#abort?.();
  }

  #caller() {
    return { executor_id: { value: this.#agent.identity.executorId }, framework_id: { value: this.#agent.identity.frameworkId } };
  }

  #read(response: IncomingMessage): void {
    const decoder = new RecordDecoder();
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) this.events.push(decodeEvent(record, this.#contentType));
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.ended = new Promise((resolve) => {
      response.on('end', () => resolve('end'));
      response.on('error', () => resolve('broken'));
    });
  }
}

/** Writes bytes to the agent's port and reads until `enough` of what came back. */
export function dial(agent: AgentEmulator, bytes: readonly (string | Uint8Array)[], enough: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(agent.port, '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!enough(text)) return;
      socket.destroy();
      resolve(text);
    });
    for (const part of bytes) socket.write(part);
  });
}

export function task(taskId: string): TaskInfo {
  return { name: taskId, task_id: { value: taskId }, agent_id: { value: 'agent-1' } };
}
