import { fromJsonText, toJsonText } from './json.ts';
import type { Call, Event, TaskInfo, TaskStatus } from './messages.ts';
import { messageType } from './schema.ts';
import { isMessage, keepUnknownFields, type Message, misfit, unknownFields } from './value.ts';
import { fromWire, toWire } from './wire.ts';

/** The two encodings of the API; the header must carry exactly this, without a charset. */
export type ContentType = 'application/x-protobuf' | 'application/json';

/**
 * The field that goes with each type. SUBSCRIBE is the one call that may come without: an empty one says the same.
 * What is not listed here is read as `UNKNOWN`.
 */
const CALL_BODIES: Readonly<Record<string, string | undefined>> = { SUBSCRIBE: 'subscribe', UPDATE: 'update', MESSAGE: 'message', HEARTBEAT: undefined };
const EVENT_BODIES: Readonly<Record<string, string | undefined>> = {
  SUBSCRIBED: 'subscribed',
  LAUNCH: 'launch',
  LAUNCH_GROUP: 'launch_group',
  KILL: 'kill',
  ACKNOWLEDGED: 'acknowledged',
  MESSAGE: 'message',
  ERROR: 'error',
  SHUTDOWN: undefined,
  HEARTBEAT: undefined,
};

/** Bytes of one call. Throws code `invalid`, naming the field, when the call does not fit the schema. */
export function encodeCall(call: Call, contentType: ContentType): Uint8Array {
  return encode('Call', call, contentType);
}

/** The call in these bytes; unknown fields are left out. Throws code `invalid`, naming the field. */
export function decodeCall(bytes: Uint8Array, contentType: ContentType): Call {
  return union(decode('Call', bytes, contentType), CALL_BODIES) as unknown as Call;
}

/** Bytes of one event. Throws code `invalid`, naming the field. */
export function encodeEvent(event: Event, contentType: ContentType): Uint8Array {
  return encode('Event', event, contentType);
}

/** The event in these bytes; unknown fields are left out, unknown types are `UNKNOWN`. Throws code `invalid`, naming the field. */
export function decodeEvent(bytes: Uint8Array, contentType: ContentType): Event {
  return union(decode('Event', bytes, contentType), EVENT_BODIES) as unknown as Event;
}

/** One message by itself, for the journal and for payloads. Protobuf; throws code `invalid`, naming the field. */
export function encodeMessage(name: 'TaskInfo', message: TaskInfo): Uint8Array;
export function encodeMessage(name: 'TaskStatus', message: TaskStatus): Uint8Array;
export function encodeMessage(name: string, message: TaskInfo | TaskStatus): Uint8Array {
  return toWire(messageType(name), message as unknown as Message, name);
}

export function decodeMessage(name: 'TaskInfo', bytes: Uint8Array): TaskInfo;
export function decodeMessage(name: 'TaskStatus', bytes: Uint8Array): TaskStatus;
export function decodeMessage(name: string, bytes: Uint8Array): TaskInfo | TaskStatus {
  return fromWire(messageType(name), bytes, name) as unknown as TaskInfo | TaskStatus;
}

function encode(name: 'Call' | 'Event', message: Call | Event, contentType: ContentType): Uint8Array {
  const { type } = message;
  const fields: Message = { ...message, type: type === 'UNKNOWN' ? message.value : type };
  keepUnknownFields(fields, unknownFields(message));
  const path = `${name} ${type}`;
  if (contentType === 'application/json') return new TextEncoder().encode(toJsonText(messageType(name), fields, path));
  return toWire(messageType(name), fields, path);
}

function decode(name: 'Call' | 'Event', bytes: Uint8Array, contentType: ContentType): Message {
  if (contentType === 'application/json') return fromJsonText(messageType(name), utf8(bytes, name), name);
  return fromWire(messageType(name), bytes, name);
}

function utf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw misfit(path, 'no UTF-8');
  }
}

/** The arm of the union that `type` names, with its own body and no other. */
function union(message: Message, bodies: Readonly<Record<string, string | undefined>>): Message {
  const arm = armOf(message, bodies);
  for (const name of ['executor_id', 'framework_id']) if (message[name] !== undefined) arm[name] = message[name];
  keepUnknownFields(arm, unknownFields(message));
  return arm;
}

function armOf(message: Message, bodies: Readonly<Record<string, string | undefined>>): Message {
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(bodies, type)) {
    return type === undefined ? { type: 'UNKNOWN' } : { type: 'UNKNOWN', value: type };
  }
  const body = bodies[type];
  if (body === undefined) return { type };
  if (!isMessage(message[body])) throw misfit(`${type}.${body}`, 'required');
  return { type, [body]: message[body] };
}
