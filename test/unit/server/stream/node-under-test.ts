import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import type { CommandEnd, CommandStreams, WantedStreams } from '../../../../src/server/contract.ts';
import { streamUpgrades, type StreamOptions } from '../../../../src/server/stream/index.ts';
import { SpdyClient } from './spdy-client.ts';

export interface NodeOptions extends StreamOptions {
  readonly wanted?: Partial<WantedStreams>;
  readonly run?: (streams: CommandStreams) => Promise<CommandEnd>;
  readonly dial?: (port: number, signal: AbortSignal) => Promise<Duplex>;
}

/** A server on loopback whose paths are those of a kubelet, with the product's streams behind them. */
export class NodeUnderTest implements AsyncDisposable {
  readonly url: string;
  readonly #server;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#sockets.add(socket));
  }

  static async start({ wanted = {}, run, dial, ...options }: NodeOptions): Promise<NodeUnderTest> {
    const upgrades = streamUpgrades(options);
    const server = createServer();
    server.on('upgrade', (request, socket, head) => {
      if (dial !== undefined) upgrades.portForward(request, socket, head, dial);
      else upgrades.remoteCommand(request, socket, head, { stdin: false, stdout: true, stderr: false, tty: false, ...wanted }, run ?? (async () => ({ kind: 'exit', code: 0 })));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new NodeUnderTest(server);
  }

  /** Asks for an upgrade; the raw connection, or the answer with which it was refused. */
  upgrade(path: string, headers: Record<string, string>, method = 'POST'): Promise<{ answer: IncomingMessage; socket?: Duplex; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = httpRequest(`${this.url}${path}`, { method, headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', ...headers } });
      asked.on('error', reject);
      asked.on('upgrade', (answer, socket, head) => {
        socket.unshift(head);
        resolve({ answer, socket, text: '' });
      });
      asked.on('response', (answer) => {
        let text = '';
        answer.on('data', (data: Buffer) => (text += data.toString()));
        answer.on('end', () => resolve({ answer, text }));
      });
      asked.end();
    });
  }

  async spdy(path: string, protocol: string): Promise<SpdyClient> {
    const { socket, answer } = await this.upgrade(path, { 'x-stream-protocol-version': protocol });
    if (socket === undefined) throw new Error(`refused: ${answer.statusCode}`);
    return new SpdyClient(socket);
  }

  async webSocket(path: string, protocol?: string): Promise<WebSocketClient> {
    const webSocket = new WebSocket(`${this.url.replace('http', 'ws')}${path}`, protocol === undefined ? [] : protocol.split(','));
    const client = new WebSocketClient(webSocket);
    await new Promise<void>((resolve, reject) => webSocket.on('open', resolve).on('error', reject));
    return client;
  }

  /** As `webSocket`, also with a protocol whose name `ws` itself would not ask for. */
  async tunnel(path: string, protocol: string): Promise<{ protocol: string | undefined; stream: Duplex }> {
    const { answer, socket } = await this.upgrade(path, { upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': Buffer.alloc(16).toString('base64'), 'sec-websocket-protocol': protocol }, 'GET');
    if (socket === undefined) throw new Error(`refused: ${answer.statusCode}`);
    // As the server of `ws` makes one of an upgraded connection, but for the client's end.
    const webSocket = new WebSocket(null as never, undefined, {}) as WebSocket & { setSocket: (socket: Duplex, head: Buffer, options: object) => void; _isServer: boolean };
    webSocket._isServer = false;
    webSocket.setSocket(socket, Buffer.alloc(0), { maxPayload: 0, skipUTF8Validation: false, allowSynchronousEvents: true });
    return { protocol: answer.headers['sec-websocket-protocol'], stream: createWebSocketStream(webSocket) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** What a client sees of a WebSocket with channels. */
export class WebSocketClient {
  readonly webSocket: WebSocket;
  /** As they came. */
  readonly messages: { data: Buffer; isBinary: boolean }[] = [];
  closed: number | undefined;
  #waiting: { check: () => boolean; resolve: () => void }[] = [];

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('message', (data: Buffer, isBinary) => {
      this.messages.push({ data, isBinary });
      this.#wake();
    });
    webSocket.on('close', (code) => {
      this.closed = code;
      this.#wake();
    });
    webSocket.on('error', () => undefined);
  }

  /** All that came on a channel of a binary protocol. */
  on(channel: number): Buffer {
    return Buffer.concat(this.messages.filter(({ data }) => data[0] === channel).map(({ data }) => data.subarray(1)));
  }

  send(channel: number, data: string | Buffer): void {
    this.webSocket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
  }

  async until(check: () => boolean): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve) => this.#waiting.push({ check, resolve }));
  }

  #wake(): void {
    this.#waiting = this.#waiting.filter(({ check, resolve }) => (check() ? void resolve() : true));
  }
}
