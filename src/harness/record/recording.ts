import { KmError, messageOf } from '../../base/index.ts';
import { decodeCall, decodeEvent, type Call, type ContentType, type Event } from '../../mesos/index.ts';

export const RECORDING_FORMAT = 'km-recording/1';

/** The first line of a recording. */
export interface RecordingHeader {
  readonly format: typeof RECORDING_FORMAT;
  readonly title: string;
  /** Name and version of the agent that was recorded. */
  readonly agent: string;
  /** What the executor asked for; `undefined` where the recording holds no subscription. */
  readonly contentType: ContentType | undefined;
  /** What the agent put into the executor's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** For each task the states that a right executor reports, in order. */
  readonly expect: Readonly<Record<string, readonly string[]>>;
}

export type Side = 'agent' | 'executor';
export type ConnectionChange = 'open' | 'end' | 'close' | 'error';

interface At {
  /** Line of the file, from 1; 0 while it is not in a file. */
  readonly line: number;
  /** Milliseconds since the recording began. */
  readonly t: number;
  /** Number of the TCP connection. */
  readonly conn: number;
  readonly from: Side;
}

/** Everything below the header, as far as a replay looks at it. */
export type RecordingEntry = At &
  (
    | { readonly kind: 'connection'; readonly change: ConnectionChange }
    /** `call` is absent where what was sent is no valid call. */
    | { readonly kind: 'call'; readonly call: Call | undefined }
    | { readonly kind: 'event'; readonly event: Event }
    | { readonly kind: 'answer'; readonly status: number; readonly body: string }
    | { readonly kind: 'end' }
  );

export interface Recording {
  readonly header: RecordingHeader;
  readonly entries: readonly RecordingEntry[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a recording. A torn last line (the recorder died) is left out; what a header lacks is taken from the lines
 * below it. Throws code `invalid` naming line and field: `line 7, conn: expected a number`.
 */
export function readRecording(text: string): Recording {
  const lines = text.split('\n');
  const torn = lines.pop() ?? '';
  if (torn !== '' && isJson(torn)) lines.push(torn);
  const [first, ...rest] = lines;
  if (first === undefined || first === '') throw new KmError('invalid', 'line 1: the file holds no recording');
  const head = parseLine(first, 1);
  const entries = rest.flatMap((line, i) => (line.trim() === '' ? [] : [readEntry(parseLine(line, i + 2), i + 2)]));
  return { header: readHeader(head, entries, rest.some((line) => line.includes('"base64"'))), entries };
}

/** The states of each task as an executor reported them, without `TASK_KILLING` and repeated `TASK_RUNNING`. */
export function statesReported(entries: readonly RecordingEntry[]): Record<string, string[]> {
  const states: Record<string, string[]> = {};
  const seen = new Set<string>();
  for (const entry of entries) {
    if (entry.kind !== 'call' || entry.call?.type !== 'UPDATE') continue;
    const { status } = entry.call.update;
    const uuid = Buffer.from(status.uuid ?? []).toString('hex');
    if (uuid !== '' && seen.has(uuid)) continue;
    seen.add(uuid);
    (states[status.task_id.value] ??= []).push(String(status.state));
  }
  return Object.fromEntries(Object.entries(states).map(([task, all]) => [task, essentialStates(all)]));
}

/** What counts in a comparison: `TASK_KILLING` and more than one `TASK_RUNNING` may come or not. */
export function essentialStates(states: readonly string[]): string[] {
  return states.filter((state, i) => state !== 'TASK_KILLING' && !(state === 'TASK_RUNNING' && states.indexOf('TASK_RUNNING') !== i));
}

function readHeader(head: Json, entries: readonly RecordingEntry[], protobuf: boolean): RecordingHeader {
  if (head.format !== RECORDING_FORMAT) throw fault(1, 'format', `expected "${RECORDING_FORMAT}"`);
  const stringAt = (field: string): string => {
    const value = head[field] ?? '';
    if (typeof value !== 'string') throw fault(1, field, 'expected a text');
    return value;
  };
  const contentType = stringAt('contentType');
  if (!['', 'application/json', 'application/x-protobuf'].includes(contentType)) throw fault(1, 'contentType', 'expected application/json or application/x-protobuf');
  const guessed = entries.some((entry) => entry.kind === 'event') ? (protobuf ? 'application/x-protobuf' : 'application/json') : undefined;
  return {
    format: RECORDING_FORMAT,
    title: stringAt('title'),
    agent: stringAt('agent'),
    contentType: contentType === '' ? guessed : (contentType as ContentType),
    environment: recordOf(head.environment ?? {}, 'environment', (value): value is string => typeof value === 'string', 'a text'),
    expect: head.expect === undefined ? statesReported(entries) : recordOf(head.expect, 'expect', isStates, 'a list of states'),
  };
}

/** Recordings of bad calls have states in it that are no text; they are no reason to refuse the rest. */
function isStates(value: unknown): value is string[] {
  return Array.isArray(value);
}

function recordOf<T>(value: unknown, field: string, is: (item: unknown) => item is T, want: string): Record<string, T> {
  if (!isObject(value)) throw fault(1, field, 'expected an object');
  for (const [key, item] of Object.entries(value)) if (!is(item)) throw fault(1, `${field}.${key}`, `expected ${want}`);
  return value as Record<string, T>;
}

function readEntry(value: Json, line: number): RecordingEntry {
  const { t, conn, from } = value;
  if (typeof t !== 'number') throw fault(line, 't', 'expected milliseconds');
  if (typeof conn !== 'number') throw fault(line, 'conn', 'expected the number of a connection');
  if (from !== 'agent' && from !== 'executor') throw fault(line, 'from', 'expected "agent" or "executor"');
  const at = { line, t, conn, from } as const;
  if (value.connection !== undefined) {
    const change = value.connection;
    if (change !== 'open' && change !== 'end' && change !== 'close' && change !== 'error') throw fault(line, 'connection', 'expected open, end, close or error');
    return { ...at, kind: 'connection', change };
  }
  if (value.event !== undefined) return { ...at, kind: 'event', event: eventOf(value, line) };
  if (value.call !== undefined || value.method !== undefined) return { ...at, kind: 'call', call: callOf(value) };
  if (value.status !== undefined) {
    if (typeof value.status !== 'number') throw fault(line, 'status', 'expected an HTTP status');
    return { ...at, kind: 'answer', status: value.status, body: typeof value.body === 'string' ? value.body : '' };
  }
  if (value.end !== undefined) return { ...at, kind: 'end' };
  throw fault(line, 'event', 'expected one of call, event, status, connection, end, method');
}

/** The exact bytes where the recording holds them, else the JSON form. */
function eventOf(value: Json, line: number): Event {
  try {
    if (typeof value.base64 === 'string') return decodeEvent(Buffer.from(value.base64, 'base64'), 'application/x-protobuf');
    return decodeEvent(Buffer.from(JSON.stringify(value.event)), 'application/json');
  } catch (error) {
    throw fault(line, 'event', messageOf(error), error);
  }
}

function callOf(value: Json): Call | undefined {
  try {
    return decodeCall(Buffer.from(JSON.stringify(value.call)), 'application/json');
  } catch {
    return undefined; // recordings of bad calls are made of these
  }
}

function parseLine(line: string, number: number): Json {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new KmError('invalid', `line ${number}: no JSON: ${messageOf(error)}`, { cause: error });
  }
  if (!isObject(value)) throw new KmError('invalid', `line ${number}: expected an object`);
  return value;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(line: number, field: string, what: string, cause?: unknown): KmError {
  return new KmError('invalid', `line ${line}, ${field}: ${what}`, cause === undefined ? {} : { cause });
}
