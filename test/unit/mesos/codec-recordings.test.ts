import { describe, expect, it } from 'vitest';
import { decodeCall, decodeEvent, encodeCall, encodeEvent, type Call, type Event } from '../../../src/mesos/index.ts';
import { recordings } from './recordings.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** As the recordings have it: bytes in base64. */
function plain(message: Call | Event): unknown {
  return JSON.parse(JSON.stringify(message, (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value)));
}

const text = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString());
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** Calls that were made wrong on purpose; what the agent said to each is in the recording. */
const BAD_CALLS = /bad-calls/;

describe.each(recordings().filter(({ name }) => !BAD_CALLS.test(name)))('recording $name', ({ lines }) => {
  const calls = lines.filter((line) => line.call !== undefined);
  const events = lines.filter((line) => line.event !== undefined);

  it('decodes from protobuf to what was recorded and encodes to the same bytes', () => {
    for (const { call, base64 } of calls.filter((line) => line.base64 !== undefined)) {
      const decoded = decodeCall(Buffer.from(base64 as string, 'base64'), PROTOBUF);
      expect(plain(decoded)).toEqual(call);
      expect(Buffer.from(encodeCall(decoded, PROTOBUF)).toString('base64')).toBe(base64);
    }
    for (const { event, base64 } of events.filter((line) => line.base64 !== undefined)) {
      const decoded = decodeEvent(Buffer.from(base64 as string, 'base64'), PROTOBUF);
      expect(plain(decoded)).toEqual(event);
      expect(Buffer.from(encodeEvent(decoded, PROTOBUF)).toString('base64')).toBe(base64);
    }
  });

  it('is the same in JSON, and through protobuf', () => {
    for (const { call } of calls) {
      const decoded = decodeCall(bytes(call), JSON_TYPE);
      expect(plain(decoded)).toEqual(call);
      expect(text(encodeCall(decoded, JSON_TYPE))).toEqual(call);
      expect(plain(decodeCall(encodeCall(decoded, PROTOBUF), PROTOBUF))).toEqual(withoutEmptyLists(call));
    }
    for (const { event } of events) {
      const decoded = decodeEvent(bytes(event), JSON_TYPE);
      expect(plain(decoded)).toEqual(event);
      expect(text(encodeEvent(decoded, JSON_TYPE))).toEqual(event);
      expect(plain(decodeEvent(encodeEvent(decoded, PROTOBUF), PROTOBUF))).toEqual(withoutEmptyLists(event));
    }
  });
});

describe.each(recordings().filter(({ name }) => BAD_CALLS.test(name)))('recording $name', ({ lines }) => {
  const answered = lines.flatMap((line, i) => {
    if (line.call === undefined) return [];
    const answer = lines.slice(i).find((later) => later.conn === line.conn && later.status !== undefined);
    return [{ call: line.call, status: answer?.status ?? 0, body: answer?.body ?? '' }];
  });

  it('decodes every call that the agent took', () => {
    const taken = answered.filter(({ status }) => status === 200 || status === 202);
    expect(taken.length).toBeGreaterThan(5);
    for (const { call } of taken) expect(decodeCall(bytes(call), JSON_TYPE).type).not.toBe('UNKNOWN');
  });

  it('refuses the calls that the agent refused for a missing field or a wrong type of value, and names it', () => {
    const refused = answered.filter(({ body }) => /Missing required fields|Expecting a JSON object|Failed to base64|Expecting '(subscribe|update|message)'/.test(body));
    expect(refused.length).toBeGreaterThan(5);
    for (const { call, body } of refused) {
      const named = /fields: ([a-z_.]+)|'([a-z]+)'/.exec(body);
      const fault = (): unknown => decodeCall(bytes(call), JSON_TYPE);
      expect(fault, body).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining(named?.[1] ?? named?.[2] ?? 'Call') as string }) as Error);
    }
  });
});

/** Protobuf cannot tell an empty list from none. */
function withoutEmptyLists(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each: unknown) => (Array.isArray(each) && each.length === 0 ? undefined : each)));
}
