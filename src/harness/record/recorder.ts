import { connect, createServer, type Server, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { KmError, messageOf, systemClock, type Clock } from '../../base/index.ts';
import { silentLogger, type Logger } from '../../telemetry/index.ts';
import { ConnectionTap, type TapFindings } from './connection-tap.ts';
import { derivedEnvironment } from './derived-environment.ts';
import { readRecording, statesReported, type Recording } from './recording.ts';
import { RecordingWriter } from './recording-writer.ts';

/** A TCP address or the path of a domain socket. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

export interface RecorderOptions {
  /** Where the executor connects. */
  readonly listen: Address;
  /** Where the agent listens. */
  readonly agent: Address;
  /** A file that must not exist yet. */
  readonly out: string;
  readonly title?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * Sits between an executor and a live agent: hands every byte on, at the speed of the slower side, and writes down what the bytes
 * mean. While the agent is away a connection is accepted and then closed, not refused: take no retry pacing from that.
 */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #server: Server;
  readonly #writer: RecordingWriter;
  readonly #logger: Logger;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  #tokenSeen = false;

  private constructor(options: RecorderOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#writer = new RecordingWriter(options.out, { title: options.title ?? '' }, () => (options.clock ?? systemClock).now());
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (executor) => this.#onConnection(executor));
  }

  /** Resolves when it listens. Throws code `invalid` for a file that cannot be written anew, `unavailable` for an address that is taken. */
  static async start(options: RecorderOptions): Promise<Recorder> {
    const recorder = new Recorder(options);
    await new Promise<void>((resolve, reject) => {
      recorder.#server.once('error', (cause) => reject(new KmError('unavailable', `cannot listen on ${addressText(options.listen)}`, { cause })));
      recorder.#server.listen(options.listen, () => resolve());
    });
    return recorder;
  }

  /** Port that it listens on; undefined on a domain socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** Ends all connections, completes the file and gives its recording back. */
  async close(): Promise<Recording> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    const { header, entries } = readRecording(readFileSync(this.#options.out, 'utf8'));
    const environment = derivedEnvironment(entries, addressText(this.#options.agent), this.#tokenSeen);
    const complete = { ...header, agent: header.agent === '' ? 'Apache Mesos' : header.agent, environment, expect: statesReported(entries) };
    this.#writer.finish(complete);
    return { header: complete, entries };
  }

  #onConnection(executor: Socket): void {
    const conn = (this.#connections += 1);
    const tap = new ConnectionTap(conn, (line) => this.#writer.write(line), this.#findings(conn));
    const agent = connect({ ...this.#options.agent, allowHalfOpen: true });
    for (const socket of [executor, agent]) {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    }
    tap.connection('executor', 'open');
    agent.once('connect', () => {
      tap.connection('agent', 'open');
      // What has been read is written down before it is handed on, so that no answer stands before its question.
      join('executor', executor, agent, tap);
      join('agent', agent, executor, tap);
    });
    const sides = [['executor', executor, agent], ['agent', agent, executor]] as const;
    for (const [side, socket, other] of sides) {
      socket.once('error', () => {
        tap.connection(side, 'error');
        other.destroy();
      });
      socket.once('close', () => {
        tap.connection(side, 'close');
        other.destroySoon();
      });
    }
  }

  #findings(conn: number): TapFindings {
    return {
      onToken: () => {
        this.#tokenSeen = true;
      },
      onUnreadable: (side, error) => this.#logger.warn('a connection is handed on without being recorded', { conn, side, error: messageOf(error) }),
    };
  }
}

/** Hands bytes on with back-pressure, and the half-close after them. */
function join(side: 'agent' | 'executor', from: Socket, to: Socket, tap: ConnectionTap): void {
  from.on('data', (chunk: Buffer) => tap.push(side, chunk));
  from.once('end', () => tap.connection(side, 'end'));
  from.pipe(to);
}

function addressText(address: Address): string {
  return 'path' in address ? address.path : `${address.host}:${address.port}`;
}
