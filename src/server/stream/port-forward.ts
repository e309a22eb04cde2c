import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../base/index.ts';
import { endAndFinish } from './finished.ts';
import type { StreamLimits } from './limits.ts';
import { joinStreams } from './join-streams.ts';
import { portOf, StreamPairs } from './stream-pairs.ts';
import { SpdyConnection } from './spdy/spdy-connection.ts';
import { acceptSpdy, refuse } from './upgrade.ts';
import { acceptWebSocket } from './websocket/accept.ts';
import { ChannelSocket } from './websocket/channel-socket.ts';
import type { Channel, ChannelKind } from './websocket/channel.ts';
import { MessageStream } from './websocket/message-stream.ts';

/** A request to forward ports of a pod, whose connection is to be upgraded. */
export interface Forwarding {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly dial: (port: number, signal: AbortSignal) => Promise<Duplex>;
  readonly limits: StreamLimits;
}

const SPDY_PROTOCOLS = ['portforward.k8s.io'];
/** SPDY within a WebSocket, as kubectl from 1.31 on speaks it with an API server. */
const TUNNEL_PROTOCOL = 'SPDY/3.1+portforward.k8s.io';
const WEBSOCKET_PROTOCOLS = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io', ''];
/** Each forwarded connection has two. */
const MAX_STREAMS = 2048;
/** Ports that one WebSocket can name: a pair of channels each, and their numbers are bytes. */
const MAX_WEBSOCKET_PORTS = 127;

export async function portForwardOverSpdy(forwarding: Forwarding): Promise<void> {
  const { request, socket, head } = forwarding;
  if (acceptSpdy(request, socket, SPDY_PROTOCOLS) !== undefined) forwardStreams(forwarding, socket, head);
}

export async function portForwardOverWebSocket(forwarding: Forwarding): Promise<void> {
  const { request, socket, head, limits } = forwarding;
  const ports = portsOf(request);
  const isTunnel = request.headers['sec-websocket-protocol']?.includes(TUNNEL_PROTOCOL) === true;
  if (typeof ports === 'string' && !isTunnel) return refuse(socket, { status: 400, message: ports });
  const protocol = acceptWebSocket(request, socket, [TUNNEL_PROTOCOL, ...(typeof ports === 'string' ? [] : WEBSOCKET_PROTOCOLS)]);
  if (protocol === undefined) return;
  if (protocol === TUNNEL_PROTOCOL) return forwardStreams(forwarding, new MessageStream(socket, head), Buffer.alloc(0));
  const pairs = typeof ports === 'string' ? [] : ports;
  const channels = new ChannelSocket(socket, head, { ...limits, isBase64: protocol.includes('base64'), kinds: pairs.flatMap((): ChannelKind[] => ['both', 'write']) });
  await Promise.all(
    pairs.map(async (port, i) => {
      const [data, error] = channels.all.slice(i * 2, i * 2 + 2) as [Channel, Channel];
      const head = Buffer.alloc(2);
      head.writeUInt16LE(port);
      data.write(head);
      error.write(head);
      await forward(forwarding, { port, data, error, signal: channels.signal, clientEnds: false });
    }),
  );
  channels.close();
}

/** SPDY: the client opens a pair of streams for each connection, as long as it likes. */
function forwardStreams(forwarding: Forwarding, socket: Duplex, head: Buffer): void {
  const { limits } = forwarding;
  const pairs = new StreamPairs({ ...limits, onPair: (data, error) => void forward(forwarding, { port: portOf(data.headers) ?? 0, data, error, signal: connection.signal, clientEnds: true }) });
  const connection = new SpdyConnection(socket, head, { ...limits, maxStreams: MAX_STREAMS, admits: (headers, id) => pairs.admits(headers, id), onStream: (stream) => pairs.add(stream) });
  connection.signal.addEventListener('abort', () => pairs.clear(), { once: true });
}

interface Connection {
  readonly port: number;
  readonly data: Duplex;
  readonly error: Duplex;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  /** The client can say that it sends no more. Otherwise the connection is over when the pod has said all. */
  readonly clientEnds: boolean;
}

/**
 * One connection from its begin to its end. Never rejects, and concerns no other connection. Why there is none is said on the error stream. One that
 * breaks later is just reset: to kubectl from 1.23 on, words on an error stream are the end of the whole tunnel.
 */
async function forward({ request, dial }: Forwarding, { port, data, error, signal, clientEnds }: Connection): Promise<void> {
  const pod = await dial(port, signal).catch((failure: unknown) => {
    error.write(`error forwarding port ${port} to pod ${podOf(request)}: ${messageOf(failure)}`);
    return undefined;
  });
  if (pod !== undefined) {
    const { toClient, both } = joinStreams(data, pod);
    await toClient;
    // kubectl closes its side of the connection only when both streams have ended.
    error.end();
    if (clientEnds) await both;
    pod.destroy();
  }
  await Promise.all([endAndFinish(data), endAndFinish(error)]);
  data.destroy();
  error.destroy();
}

/** As the kubelet names it: `/portForward/<namespace>/<pod>[/<uid>]`. */
function podOf(request: IncomingMessage): string {
  const [, , namespace = '', pod = '', uid = ''] = (request.url?.split('?')[0] ?? '').split('/').map(decodeURIComponent);
  return `${pod}_${namespace}, uid ${uid}`;
}

/** The ports that the query names, or what is wrong with it. Words of Kubernetes v1.20 pkg/kubelet/cri/streaming/portforward/websocket.go. */
function portsOf(request: IncomingMessage): number[] | string {
  const values = new URL(request.url ?? '/', 'http://unused').searchParams.getAll('port');
  if (values.length === 0) return 'query parameter "port" is required';
  if (values.includes('')) return 'query parameter "port" cannot be empty';
  const ports = values.flatMap((value) => value.split(','));
  const wrong = ports.find((port) => !/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535);
  if (wrong !== undefined) return `unable to parse ${JSON.stringify(wrong)} as a port`;
  return ports.length > MAX_WEBSOCKET_PORTS ? `more than ${MAX_WEBSOCKET_PORTS} ports` : ports.map(Number);
}
