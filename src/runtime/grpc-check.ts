import { connect, constants } from 'node:http2';
import protobuf from 'protobufjs/minimal.js';
import { timeoutSignal } from '../base/index.ts';
import type { Address } from '../pod/index.ts';

/** Codes of google.golang.org/grpc/codes. */
const DEADLINE_EXCEEDED = 4;
const UNIMPLEMENTED = 12;
/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
const STATUS_WORDS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];
const SERVING = 1;
/** A health answer has two bytes; nobody sends us more than this. */
const MOST_BYTES = 4096;

/** How the call ended: status and message of gRPC, and what the server answered. */
interface Answer {
  readonly code: number;
  readonly message: string;
  readonly body: Buffer;
}

/**
 * Asks `grpc.health.v1.Health/Check`, in clear text, for one service; gives back why it is not healthy, or `undefined` when it is.
 * Kubernetes v1.33 pkg/probe/grpc/grpc.go.
 */
export async function grpcCheck({ host, port }: Address, service: string, timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const timeout = `${timeoutMs / 1000}s`;
  const limit = AbortSignal.any([signal, timeoutSignal(timeoutMs)]);
  const session = connect(`http://${address}`);
  const hangUp = (): void => session.destroy();
  limit.addEventListener('abort', hangUp, { once: true });
  try {
    const failure = await connected(session);
    if (limit.aborted) return `timeout: failed to connect service "${address}" within ${timeout}: context deadline exceeded`;
    if (failure !== undefined) return `error: failed to connect service at "${address}": ${failure}`;
    const answer = await check(session, service, timeoutMs);
    if (limit.aborted || answer.code === DEADLINE_EXCEEDED) return `timeout: health rpc did not complete within ${timeout}`;
    if (answer.code === UNIMPLEMENTED) return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${answer.message}`;
    if (answer.code !== 0) return `error: health rpc probe failed: rpc error: code = ${answer.code} desc = ${answer.message}`;
    const status = servingStatus(answer.body);
    return status === SERVING ? undefined : `service unhealthy (responded with "${STATUS_WORDS[status] ?? status}")`;
  } finally {
    limit.removeEventListener('abort', hangUp);
    session.destroy();
  }
}

type Session = ReturnType<typeof connect>;

function connected(session: Session): Promise<string | undefined> {
  return new Promise((resolve) => {
    session.on('error', (error) => resolve(error.message)); // stays: a session may break at any time
    session.once('close', () => resolve('the connection was closed'));
    // Connected is who speaks HTTP/2, not who only accepts.
    session.once('remoteSettings', () => resolve(undefined));
  });
}

function check(session: Session, service: string, timeoutMs: number): Promise<Answer> {
  const message = protobuf.Writer.create();
  if (service !== '') message.uint32((1 << 3) | 2).string(service);
  const body = message.finish();
  const prefix = Buffer.alloc(5); // not compressed, length
  prefix.writeUInt32BE(body.length, 1);
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
    [constants.HTTP2_HEADER_USER_AGENT]: 'kube-probe/1.20',
    'grpc-timeout': `${timeoutMs}m`,
  });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let said: Record<string, unknown> = {};
    stream.on('response', (headers) => {
      said = { ...said, ...headers };
    });
    stream.on('trailers', (trailers) => {
      said = { ...said, ...trailers };
    });
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST_BYTES) chunks.push(chunk);
      else stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => resolve({ code: 14, message: error.message, body: Buffer.alloc(0) }));
    stream.on('close', () => resolve(ended(said, Buffer.concat(chunks))));
    stream.end(Buffer.concat([prefix, body]));
  });
}

/** Without a gRPC status the HTTP status tells (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
function ended(said: Readonly<Record<string, unknown>>, body: Buffer): Answer {
  const { 'grpc-status': code, 'grpc-message': message, ':status': http } = said;
  if (typeof code === 'string' && /^\d+$/.test(code)) return { code: Number(code), message: typeof message === 'string' ? unescaped(message) : '', body };
  const mapped = http === 404 ? UNIMPLEMENTED : 2;
  return { code: mapped, message: `unexpected HTTP status code received from server: ${typeof http === 'number' ? http : 'none'}`, body };
}

function unescaped(message: string): string {
  return message.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** 0, unknown, for what is no health answer. */
function servingStatus(body: Buffer): number {
  try {
    const reader = protobuf.Reader.create(body.subarray(5));
    let status = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 1 << 3) status = reader.uint32();
      else reader.skipType(tag & 7);
    }
    return status;
  } catch {
    return 0;
  }
}
