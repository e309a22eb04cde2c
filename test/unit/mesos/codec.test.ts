import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { decodeCall, decodeEvent, encodeCall, encodeEvent, encodeMessage, decodeMessage, type Call, type CallBody, type Event, type TaskStatus } from '../../../src/mesos/index.ts';
import { launch } from './fake-agent.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const encodings = [PROTOBUF, JSON_TYPE] as const;
const caller = { executor_id: { value: 'exec-1' }, framework_id: { value: 'framework-1' } };
const uuid = new Uint8Array(16).fill(7);

function update(status: Omit<TaskStatus, 'task_id' | 'uuid'>): Call {
  return { ...caller, type: 'UPDATE', update: { status: { task_id: { value: 'a' }, uuid, ...status } } };
}

/** The JSON text of an event, as an agent of another version may send it. */
function eventJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** An encoder that knows nothing of our codec, from the same .proto files. */
const reference = new protobuf.Root();
reference.resolvePath = (_origin, file) => (file.startsWith('/') ? file : new URL(`../../../proto/${file}`, import.meta.url).pathname);
reference.loadSync('mesos/v1/executor/executor.proto', { keepCase: true });

describe.each(encodings)('codec in %s', (contentType) => {
  const through = (call: Call): Call => decodeCall(encodeCall(call, contentType), contentType);

  it('gives a call back as it was', () => {
    const limits = { cpus: { value: 0.1 }, __proto__x: { value: 1e300 } };
    const task = { ...launch('a').launch.task, data: new Uint8Array([0, 255, 10]), limits, kill_policy: { grace_period: { nanoseconds: 3_000_000_000 } } };
    const subscribe: CallBody = { type: 'SUBSCRIBE', subscribe: { unacknowledged_tasks: [task], unacknowledged_updates: [{ status: { task_id: { value: 'a' }, state: 'TASK_RUNNING', uuid, message: 'größer 🚀', healthy: false, timestamp: 1.5 } }] } };
    for (const body of [subscribe, { type: 'MESSAGE', message: { data: new Uint8Array() } }, { type: 'HEARTBEAT' }] satisfies CallBody[]) {
      expect(through({ ...caller, ...body })).toEqual({ ...caller, ...body });
    }
  });

  it('lets enum values survive that it has no name for', () => {
    expect(through(update({ state: 'TASK_RUNNING', reason: 4711, source: 'SOURCE_EXECUTOR' }))).toEqual(update({ state: 'TASK_RUNNING', reason: 4711, source: 'SOURCE_EXECUTOR' }));
  });

  it.each([0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n])('keeps the 64-bit integer %s exact', (nanoseconds) => {
    expect(through(update({ state: 'TASK_LOST', unreachable_time: { nanoseconds } }))).toEqual(update({ state: 'TASK_LOST', unreachable_time: { nanoseconds } }));
  });

  it('reads events of a type that it does not know, or of none, as UNKNOWN', () => {
    const value = contentType === PROTOBUF ? 99 : 'REVOKE';
    const unknown = contentType === PROTOBUF ? new Uint8Array([8, 99]) : eventJson({ type: 'REVOKE', revoke: {} });
    const decoded = decodeEvent(unknown, contentType);
    expect(decoded).toEqual({ type: 'UNKNOWN', value });
    expect(decodeEvent(encodeEvent(decoded, contentType), contentType)).toEqual(decoded);
    expect(decodeEvent(contentType === PROTOBUF ? new Uint8Array() : eventJson({}), contentType)).toEqual({ type: 'UNKNOWN' });
  });

  it.each([
    ['a body that is not there', { type: 'LAUNCH' }, 'LAUNCH.launch: required'],
    ['a required field that is not there', { type: 'KILL', kill: {} }, 'kill.task_id: required'],
    ['text for a number', update({ state: 'TASK_RUNNING', timestamp: 'now' as unknown as number }), 'timestamp: want a number, not text'],
    ['a fraction for an integer', update({ state: 'TASK_RUNNING', check_status: { http: { status_code: 1.5 } } }), 'status_code: want a positive integer of 32 bits, not 1.5'],
    ['too large an integer', update({ state: 'TASK_RUNNING', unreachable_time: { nanoseconds: 2n ** 63n } }), 'nanoseconds: want an integer of 64 bits, not 9223372036854775808'],
    ['text for bytes', update({ state: 'TASK_RUNNING', data: 'abc' as unknown as Uint8Array }), 'data: want bytes, not text'],
    ['an object for a list', update({ state: 'TASK_RUNNING', labels: { labels: {} as [] } }), 'labels.labels: want a list'],
    ['null for a message', update({ state: 'TASK_RUNNING', labels: 7 as unknown as object }), 'labels: want an object'],
  ])('does not encode %s, and says where', (_name, message, fault) => {
    const encode = (): unknown => ('executor_id' in message ? encodeCall(message, contentType) : decodeEvent(encodeEvent(message as Event, contentType), contentType));
    expect(encode).toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringContaining(fault) as string }) as Error);
  });

  it('throws `invalid` on garbage, or reads it as a message, but never anything else', () => {
    const good = encodeEvent(launch('task-1'), contentType);
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat({ max: good.length - 1 }), fc.uint8Array({ maxLength: 4 })).map(([at, bytes]) => Uint8Array.from([...good.slice(0, at), ...bytes, ...good.slice(at + bytes.length)])),
      fc.nat({ max: good.length }).map((end) => good.slice(0, end)),
    );
    fc.assert(
      fc.property(noise, (bytes) => {
        try {
          expect(typeof decodeEvent(bytes, contentType).type).toBe('string');
        } catch (error) {
          expect(error).toMatchObject({ name: 'KmError', code: 'invalid' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('codec', () => {
  it('writes what another encoder reads, and reads what it writes', () => {
    const type = reference.lookupType('mesos.v1.executor.Call');
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const status = fc.record(
      {
        task_id: fc.record({ value: text }),
        state: fc.constantFrom('TASK_STARTING', 'TASK_RUNNING', 'TASK_UNKNOWN'),
        data: fc.uint8Array({ maxLength: 50 }),
        message: text,
        timestamp: fc.double({ noNaN: true, noDefaultInfinity: true }),
        healthy: fc.boolean(),
        reason: fc.constantFrom('REASON_TASK_INVALID', 'REASON_AGENT_DRAINING'),
        labels: fc.record({ labels: fc.array(fc.record({ key: text, value: text }), { minLength: 1, maxLength: 3 }) }),
        container_status: fc.record({ executor_pid: fc.nat(), network_infos: fc.array(fc.record({ name: text }), { minLength: 1, maxLength: 3 }) }),
        check_status: fc.record({ command: fc.record({ exit_code: fc.integer() }) }),
      },
      { requiredKeys: ['task_id', 'state'] },
    );
    fc.assert(
      fc.property(status, (each) => {
        const call = { ...caller, type: 'UPDATE', update: { status: each } } as Call;
        const theirs = type.encode(type.fromObject(call)).finish();
        expect(Buffer.from(encodeCall(call, PROTOBUF)).equals(theirs)).toBe(true);
        expect(decodeCall(theirs, PROTOBUF)).toEqual(call);
        expect(decodeCall(encodeCall(call, JSON_TYPE), JSON_TYPE)).toEqual(jsonable(call));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps protobuf fields that it does not know, out of sight, and ignores them in JSON', () => {
    const bytes = Uint8Array.from([...encodeMessage('TaskInfo', launch('a').launch.task), 0xba, 0x3e, 3, 1, 2, 3]); // field 999: 3 bytes
    const task = decodeMessage('TaskInfo', bytes);
    expect(task).toEqual(launch('a').launch.task);
    expect(Object.keys(task)).toEqual(['name', 'task_id', 'agent_id']);
    expect(Uint8Array.from(encodeMessage('TaskInfo', task))).toEqual(bytes);
    expect(decodeEvent(eventJson({ ...launch('a'), nonsense: 1 }), JSON_TYPE)).toEqual(launch('a'));
  });

  it('reads 64-bit integers that are text in JSON, and numbers of enums', () => {
    const event = { type: 'KILL', kill: { task_id: { value: 'a' }, kill_policy: { grace_period: { nanoseconds: '9007199254740993' } } } };
    expect(decodeEvent(eventJson(event), JSON_TYPE)).toMatchObject({ kill: { kill_policy: { grace_period: { nanoseconds: 9007199254740993n } } } });
    expect(decodeEvent(eventJson({ ...event, type: 3 }), JSON_TYPE)).toMatchObject({ type: 'KILL' });
  });

  it('reads packed lists, and a message that comes in two parts as one', () => {
    const check = reference.lookupType('mesos.v1.HealthCheck');
    const packed = Uint8Array.from([0x0a, 6, 0x08, 80, 0x22, 2, 1, 2]); // http { port: 80, statuses: packed [1, 2] }
    expect(check.toObject(check.decode(packed))).toEqual({ http: { port: 80, statuses: [1, 2] } });
    const [head, part] = [encodeMessage('TaskInfo', launch('a').launch.task), Uint8Array.from([0x42, packed.length, ...packed])];
    const twice = Uint8Array.from([...head, ...part, 0x42, 4, 0x0a, 2, 0x08, 81]);
    expect(decodeMessage('TaskInfo', twice).health_check).toEqual({ http: { port: 81, statuses: [1, 2] } });
  });

  it('does not take a map key for more than a key', () => {
    const task = decodeMessage('TaskInfo', encodeMessage('TaskInfo', { ...launch('a').launch.task, limits: JSON.parse('{"__proto__":{"value":3}}') as Record<string, { value: number }> }));
    expect(Object.getPrototypeOf(task.limits)).toBe(Object.prototype);
    expect(Object.keys(task.limits ?? {})).toEqual(['__proto__']);
  });

  it.each([
    ['no UTF-8', Uint8Array.from([0x22, 0xff, 0x22]), 'Event: no UTF-8'],
    ['no JSON', Buffer.from('{"type":'), 'Event: no JSON'],
    ['no object', Buffer.from('[]'), 'Event: want an object'],
    ['no base64', eventJson({ type: 'MESSAGE', message: { data: 'a-b_' } }), 'Event.message.data: want base64'],
  ])('refuses %s', (_name, bytes, fault) => {
    expect(() => decodeEvent(bytes, JSON_TYPE)).toThrow(fault);
  });

  it('refuses what is nested without end', () => {
    let parent: object = { value: 'x' };
    for (let i = 0; i < 10_000; i++) parent = { value: 'x', parent };
    const status = { task_id: { value: 'a' }, state: 'TASK_RUNNING', uuid: 'BwcHBwcHBwcHBwcHBwcHBw==', container_status: { container_id: parent } };
    expect(() => decodeCall(eventJson({ ...caller, type: 'UPDATE', update: { status } }), JSON_TYPE)).toThrow('nested too deep');
  });
});

/** JSON turns -0 into 0. */
function jsonable(call: Call): unknown {
  return JSON.parse(JSON.stringify(call, (_key, value: unknown) => (value instanceof Uint8Array ? { bytes: [...value] } : value)), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'bytes' in value ? Uint8Array.from(value.bytes as number[]) : value,
  );
}
