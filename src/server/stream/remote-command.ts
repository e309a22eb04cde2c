import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/index.ts';
import type { CommandEnd, CommandStreams, WantedStreams } from '../contract.ts';
import { encodeStatus, statusOf } from './command-status.ts';
import { endAndFinish } from './finished.ts';
import type { StreamLimits } from './limits.ts';
import type { Headers } from './spdy/header-block.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import type { SpdyStream } from './spdy/spdy-stream.ts';
import { terminalSizes } from './terminal-sizes.ts';
import { acceptSpdy } from './upgrade.ts';
import { acceptWebSocket } from './websocket/accept.ts';
import { ChannelSocket } from './websocket/channel-socket.ts';
import type { Channel } from './websocket/channel.ts';

/** A request to run a command, or to attach to one, whose connection is to be upgraded. */
export interface RemoteCommand {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly wanted: WantedStreams;
  readonly run: (streams: CommandStreams) => Promise<CommandEnd>;
  readonly limits: StreamLimits;
}

/** Over SPDY, the newest first: 4 says the exit code, 3 has terminal sizes. */
const SPDY_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'];
const STREAM_TYPES = new Set(['error', 'stdin', 'stdout', 'stderr', 'resize']);

/** What a WebSocket carries: the channels are numbered as the file descriptors are, then error and terminal sizes. */
const WEBSOCKET_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', ''];
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export async function remoteCommandOverSpdy({ request, socket, head, wanted, run, limits }: RemoteCommand): Promise<void> {
  const protocol = acceptSpdy(request, socket, SPDY_PROTOCOLS);
  if (protocol === undefined) return;
  const version = versionOf(protocol);
  const expected = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => wanted[name]), ...(wanted.tty && version >= 3 ? ['resize'] : [])];
  const streams = new Map<string, SpdyStream>();
  const typeOf = (headers: Headers): string => headers.get('streamtype') ?? '';
  let complete = (): void => undefined;
  const whenComplete = new Promise<void>((resolve) => (complete = resolve));
  const connection = new SpdyConnection(socket, head, {
    ...limits,
    maxStreams: STREAM_TYPES.size,
    admits: (headers) => STREAM_TYPES.has(typeOf(headers)) && !streams.has(typeOf(headers)),
    onStream: (stream) => {
      const type = typeOf(stream.headers);
      streams.set(type, stream);
      // What nobody reads must not stop the others.
      if (type !== 'resize' && !(type === 'stdin' && wanted.stdin)) stream.resume();
      if (expected.every((name) => streams.has(name))) complete();
    },
  });
  if (!(await inTime(whenComplete, connection.signal, limits))) return connection.close();

  const { error, stdin, stdout, stderr, resize } = Object.fromEntries(streams);
  // Version 1 had this side of stdin closed from the start.
  if (version === 1) stdin?.end();
  const end = await outcome(request, run, {
    ...(wanted.stdin && stdin !== undefined ? { stdin } : {}),
    ...(wanted.stdout && stdout !== undefined ? { stdout } : {}),
    ...(wanted.stderr && stderr !== undefined ? { stderr } : {}),
    ...(resize === undefined ? {} : { resize: terminalSizes(resize) }),
    signal: connection.signal,
  });
  // The client reads stdout and stderr to their ends, and only then the error stream.
  await Promise.all([stdout, stderr].filter((stream) => stream !== undefined).map(endAndFinish));
  if (error !== undefined) {
    error.write(encodeStatus(statusOf(end), version));
    await endAndFinish(error);
  }
  connection.close();
}

export async function remoteCommandOverWebSocket({ request, socket, head, wanted, run, limits }: RemoteCommand): Promise<void> {
  const protocol = acceptWebSocket(request, socket, WEBSOCKET_PROTOCOLS);
  if (protocol === undefined) return;
  const channels = new ChannelSocket(socket, head, {
    ...limits,
    isBase64: protocol.includes('base64'),
    kinds: [wanted.stdin ? 'read' : 'none', wanted.stdout ? 'write' : 'none', wanted.stderr ? 'write' : 'none', 'write', 'read'],
  });
  const [stdin, stdout, stderr, error, resize] = channels.all as [Channel, Channel, Channel, Channel, Channel];
  // An empty message tells the client that all is set up.
  channels.greet(wanted.stdout ? CHANNEL.stdout : wanted.stderr ? CHANNEL.stderr : CHANNEL.error);
  const end = await outcome(request, run, {
    ...(wanted.stdin ? { stdin } : {}),
    ...(wanted.stdout ? { stdout } : {}),
    ...(wanted.stderr ? { stderr } : {}),
    ...(wanted.tty ? { resize: terminalSizes(resize) } : {}),
    signal: channels.signal,
  });
  if (!wanted.tty) resize.resume();
  await Promise.all([stdout, stderr].map(endAndFinish));
  const status = encodeStatus(statusOf(end), versionOf(protocol));
  if (status.length > 0) error.write(status);
  await endAndFinish(error);
  channels.close();
}

function versionOf(protocol: string): number {
  return Number(/^v(\d)\./.exec(protocol)?.[1] ?? 1);
}

/** Words of Kubernetes v1.20 pkg/kubelet/cri/streaming/remotecommand/{exec,attach}.go. */
async function outcome(request: IncomingMessage, run: (streams: CommandStreams) => Promise<CommandEnd>, streams: CommandStreams): Promise<CommandEnd> {
  const doing = request.url?.startsWith('/attach') === true ? 'error attaching to container' : 'error executing command in container';
  try {
    const end = await run(streams);
    return end.kind === 'failed' ? { kind: 'failed', message: `${doing}: ${end.message}` } : end;
  } catch (error) {
    return { kind: 'failed', message: `${doing}: ${messageOf(error)}` };
  }
}

/** False when it took too long, or the connection ended before. */
async function inTime(done: Promise<void>, signal: AbortSignal, { clock, creationTimeoutMs }: StreamLimits): Promise<boolean> {
  let giveUp = (): void => undefined;
  const tooLate = new Promise<false>((resolve) => (giveUp = () => resolve(false)));
  const cancel = clock.after(creationTimeoutMs, giveUp);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([done.then(() => true), tooLate]);
  } finally {
    cancel();
    signal.removeEventListener('abort', giveUp);
  }
}
