import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeCall, decodeEvent, encodeCall, RecordDecoder, type Event } from '../../../../src/mesos/index.ts';
import { AgentEmulator } from '../../../../src/harness/index.ts';
import { send, type RawCall } from './executor-client.ts';
import { request } from 'node:http';

interface Entry {
  readonly line: number;
  readonly request: RawCall;
  readonly subscribes: boolean;
  readonly launches: Event[];
  readonly status: number;
  readonly body: string;
}

interface Line {
  conn?: number; from?: string; call?: unknown; method?: string; path?: string; headers?: Record<string, string>; bytes?: string; authorization?: string;
  status?: number; body?: string; event?: Record<string, unknown>; environment?: Record<string, string>;
}

let agent: AgentEmulator | undefined;
afterEach(() => agent?.close());

const read = (name: string): Line[] =>
  readFileSync(new URL(`../../../recordings/protocol/${name}.jsonl`, import.meta.url), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line);

const asEvent = (event: Record<string, unknown>): Event => decodeEvent(Buffer.from(JSON.stringify(event)), 'application/json');

/** The recording does not hold the headers of a request whose body is JSON; what was special about them shows in the answer. */
function headersFor(line: Line, status: number, body: string): Record<string, string> {
  const type = body === "Expecting 'Content-Type' to be present" ? {} : { 'Content-Type': status === 415 ? 'application/json; charset=utf-8' : 'application/json' };
  return { ...type, Accept: status === 406 ? 'text/html' : 'application/json', ...(line.authorization === undefined ? {} : { Authorization: line.authorization }) };
}

function entries(lines: Line[]): Entry[] {
  return lines.flatMap((line, i) => {
    if (line.from !== 'executor' || (line.call === undefined && line.bytes === undefined)) return [];
    const answer = lines.slice(i + 1).find((other) => other.from === 'agent' && other.conn === line.conn && other.status !== undefined);
    const { status = 0, body = '' } = answer ?? {};
    const after = lines.slice(i + 1, i + 8).filter((other) => other.conn === line.conn && other.event?.type === 'LAUNCH');
    const method = line.method ?? /received '(\w+)'/.exec(body)?.[1] ?? 'POST';
    const request: RawCall = {
      method,
      ...(line.path === undefined ? {} : { path: line.path }),
      headers: line.headers ?? headersFor(line, status, body),
      body: line.bytes === undefined ? JSON.stringify(line.call) : Buffer.from(line.bytes, 'base64'),
    };
    return [{ line: i + 1, request, subscribes: status === 200, launches: after.map((other) => asEvent(other.event ?? {})), status, body }];
  });
}

/** Subscribes and hands every event to `events`. */
function subscribe(to: AgentEmulator, call: RawCall, events: Event[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const decoder = new RecordDecoder();
    const out = request({ host: '127.0.0.1', port: to.port, agent: false, method: 'POST', path: '/api/v1/executor', headers: call.headers ?? {} });
    out.on('error', reject).on('response', (response) => {
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        for (const record of decoder.push(chunk)) events.push(decodeEvent(record, 'application/json'));
      });
      resolve(response.statusCode ?? 0);
    });
    out.end(call.body);
  });
}

async function startFor(lines: Line[]): Promise<AgentEmulator> {
  const subscribed = lines.map((line) => line.event).find((event) => event?.type === 'SUBSCRIBED');
  const event = asEvent(subscribed ?? {});
  const token = lines[0]?.environment?.MESOS_EXECUTOR_AUTHENTICATION_TOKEN;
  if (event.type !== 'SUBSCRIBED') throw new Error('the recording has no SUBSCRIBED');
  agent = await AgentEmulator.start({ subscribed: event.subscribed, ...(token === undefined ? {} : { authenticationToken: token }) });
  return agent;
}

describe.each(['g-json-bad-calls', 'i-json-auth-bad-calls', 'g0-uuid-random-16-bytes-rejected'])('the agent answers as in %s', (name) => {
  const lines = read(name);

  it('every call with the recorded status and words, and acknowledges the same updates', async () => {
    const emulator = await startFor(lines);
    const events: Event[] = [];
    const different: string[] = [];
    for (const entry of entries(lines)) {
      for (const event of entry.launches) emulator.send(event);
      const live = entry.subscribes ? { status: await subscribe(emulator, entry.request, events), body: '' } : await send(emulator, entry.request);
      if (live.status !== entry.status || live.body !== entry.body) {
        different.push(`line ${entry.line}: recorded ${entry.status} ${entry.body}, got ${live.status} ${live.body}`);
      }
    }
    expect(different).toEqual([]);
    const recorded = lines.map((line) => line.event).filter((event) => event?.type === 'ACKNOWLEDGED').map((event) => (event?.acknowledged as { uuid: string }).uuid);
    const acknowledged = (): string[] => events.flatMap((event) => (event.type === 'ACKNOWLEDGED' ? [Buffer.from(event.acknowledged.uuid).toString('base64')] : []));
    await expect.poll(acknowledged).toEqual(recorded);
  });

  it('the same calls in protobuf with the same status', async () => {
    const emulator = await startFor(lines);
    let compared = 0;
    for (const entry of entries(lines)) {
      for (const event of entry.launches) emulator.send(event);
      if (/JSON|Content-Type|received 'PUT'|agent::Call/.test(entry.body) || typeof entry.request.body !== 'string') continue;
      const body = inProtobuf(entry.request.body);
      if (body === undefined) continue;
      const headers = { ...entry.request.headers, 'Content-Type': 'application/x-protobuf' };
      const request = { ...entry.request, headers, body };
      const status = entry.subscribes ? await subscribe(emulator, request, []) : (await send(emulator, request)).status;
      expect({ line: entry.line, status }).toEqual({ line: entry.line, status: entry.status });
      compared += 1;
    }
    expect(compared).toBeGreaterThan(3);
  });
});

/** The call in protobuf, where it can be said in it. */
function inProtobuf(json: string): Uint8Array | undefined {
  try {
    return encodeCall(decodeCall(Buffer.from(json), 'application/json'), 'application/x-protobuf');
  } catch {
    return undefined;
  }
}
