import { decodeCall, type Call, type ContentType } from '../../mesos/index.ts';
import { faultInCallJson } from './call-json.ts';

/** A request as it came in. */
export interface AgentRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
  /** Whether it came over the domain socket. */
  readonly local: boolean;
}

export interface AgentAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ReadCall =
  | { readonly kind: 'refused'; readonly answer: AgentAnswer; readonly contentType?: ContentType }
  | { readonly kind: 'call'; readonly call: Call; readonly contentType: ContentType; readonly accept: ContentType };

/**
 * A request as a valid call, or the agent's refusal with its words and in its order of checks (Mesos src/slave/http.cpp
 * Http::executor, src/slave/validation.cpp; bodies seen on the wire). What depends on the agent's state is not here.
 */
export function readCall(request: AgentRequest, token: string | undefined): ReadCall {
  const route = refusedByRoute(request) ?? refusedByToken(request, token);
  if (route !== undefined) return { kind: 'refused', answer: route };
  if (request.method !== 'POST') {
    return refuse(405, `405 Method Not Allowed. Expecting one of { 'POST' }, but received '${request.method}'.`, { Allow: 'POST' });
  }
  const type = request.headers['content-type'];
  if (typeof type !== 'string') return refuse(400, "Expecting 'Content-Type' to be present");
  if (type !== 'application/json' && type !== 'application/x-protobuf') {
    return refuse(415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
  }
  const decoded = type === 'application/json' ? fromJson(request.body) : fromProtobuf(request.body);
  const fault = typeof decoded === 'string' ? decoded : faultInCall(decoded);
  if (fault !== undefined) return { ...refuse(400, fault), contentType: type };
  const accept = acceptedType(request.headers.accept);
  const call = decoded as Call;
  if (call.type === 'SUBSCRIBE' && accept === undefined) {
    return { ...refuse(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"), contentType: type };
  }
  return { kind: 'call', call, contentType: type, accept: accept ?? type };
}

function refuse(status: number, body: string, headers?: Record<string, string>): { kind: 'refused'; answer: AgentAnswer } {
  return { kind: 'refused', answer: { status, body, ...(headers === undefined ? {} : { headers }) } };
}

function refusedByRoute(request: AgentRequest): AgentAnswer | undefined {
  const path = request.path.replace(/\?.*$/, '').replace(/\/$/, '');
  if (request.local && !/^\/slave\(\d+\)\/api\/v1\/executor$/.test(path)) return { status: 403, body: '403 Forbidden.' };
  if (/^(\/slave\(\d+\))?\/api\/v1\/executor$/.test(path)) return undefined;
  // Everything else below /api/v1 goes to the agent's operator API, which we do not have.
  if (/^(\/slave\(\d+\))?\/api\/v1(\/|$)/.test(path)) return { status: 400, body: "Failed to validate agent::Call: Expecting 'type' to be present" };
  return { status: 404, body: '404 Not Found.' };
}

function refusedByToken(request: AgentRequest, token: string | undefined): AgentAnswer | undefined {
  if (token === undefined || request.headers.authorization === `Bearer ${token}`) return undefined;
  return { status: 401, body: '401 Unauthorized.', headers: { 'WWW-Authenticate': 'Bearer realm="mesos-agent-executor"' } };
}

function fromJson(body: Uint8Array): Call | string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return 'Failed to parse body into JSON: syntax error at line 1 near: ';
  }
  const fault = faultInCallJson(value);
  if (fault !== undefined) return `Failed to convert JSON into Call protobuf: ${fault}`;
  const absent = absentBody(value as Record<string, unknown>);
  if (absent !== undefined) return `Failed to validate Executor::Call: Expecting '${absent}' to be present`;
  try {
    return decodeCall(body, 'application/json');
  } catch (error) {
    return `Failed to convert JSON into Call protobuf: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function fromProtobuf(body: Uint8Array): Call | string {
  try {
    return decodeCall(body, 'application/x-protobuf');
  } catch {
    return 'Failed to parse body into Call protobuf';
  }
}

const BODY_OF: Readonly<Record<string, string>> = { SUBSCRIBE: 'subscribe', UPDATE: 'update', MESSAGE: 'message' };

/** Name of the field that a call of this type must have and has not. */
function absentBody(call: Readonly<Record<string, unknown>>): string | undefined {
  const type = call.type;
  if (typeof type !== 'string' || !['SUBSCRIBE', 'UPDATE', 'MESSAGE', 'HEARTBEAT', 'UNKNOWN'].includes(type)) return 'type';
  const body = BODY_OF[type];
  return body !== undefined && call[body] === undefined ? body : undefined;
}

function faultInCall(call: Call): string | undefined {
  const says = (fault: string): string => `Failed to validate Executor::Call: ${fault}`;
  if (call.type === 'UNKNOWN') {
    // An enum value that the agent does not know leaves `type` unset; UNKNOWN itself is a value.
    return call.value === 0 || call.value === 'UNKNOWN' ? undefined : says("Expecting 'type' to be present");
  }
  const absent = absentBody(call as unknown as Record<string, unknown>);
  if (absent !== undefined) return says(`Expecting '${absent}' to be present`);
  if (call.type !== 'UPDATE') return undefined;
  const { status } = call.update;
  const who = `executor ${call.executor_id.value} of framework ${call.framework_id.value}`;
  if (status.uuid === undefined) return says("Expecting 'uuid' to be present");
  if (!isUuid(status.uuid)) return says('Not a valid UUID');
  if (status.executor_id !== undefined && status.executor_id.value !== call.executor_id.value) {
    return says(`ExecutorID in Call: ${call.executor_id.value} does not match ExecutorID in TaskStatus: ${status.executor_id.value}`);
  }
  if (status.source !== 'SOURCE_EXECUTOR') return says(`Received Call from ${who} with invalid source, expecting 'SOURCE_EXECUTOR'`);
  if (status.state === 'TASK_STAGING') return says(`Received TASK_STAGING from ${who} which is not allowed`);
  return undefined;
}

/** The agent looks at the length and at the version nibble (1..5) only. */
function isUuid(bytes: Uint8Array): boolean {
  const version = (bytes[6] ?? 0) >> 4;
  return bytes.length === 16 && version >= 1 && version <= 5;
}

function acceptedType(accept: string | string[] | undefined): ContentType | undefined {
  if (accept === undefined) return 'application/json';
  const wanted = String(accept).split(',').map((type) => type.replace(/;.*$/, '').trim());
  const allows = (type: string): boolean => wanted.some((one) => one === type || one === '*/*' || one === 'application/*');
  if (allows('application/json')) return 'application/json';
  return allows('application/x-protobuf') ? 'application/x-protobuf' : undefined;
}
