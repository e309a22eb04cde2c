import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeEvent, encodeRecord, Ledger, type Event, type LedgerEntry } from '../../../src/mesos/index.ts';
import { systemClock } from '../../../src/base/index.ts';
import { uuidText } from '../../../src/mesos/uuid.ts';
import { connect, eventually, report, type Connected } from './connected.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { acknowledgement, FakeAgent, kill, launch, subscribedEvent, type Subscribed } from './fake-agent.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function agent(options: ConstructorParameters<typeof FakeAgent>[0] = {}, setUp: (it: FakeAgent) => void = () => undefined): Promise<FakeAgent> {
  const it = new FakeAgent(options);
  setUp(it);
  await it.start();
  closing.push(() => it.kill());
  return it;
}

function client(to: FakeAgent, options: Parameters<typeof connect>[1] = {}): Connected {
  const me = connect(to.port, options);
  closing.push(() => me.connection.stop());
  return me;
}

const types = (me: Connected): string[] => me.events.map(({ type }) => type);
const acknowledge = (at: FakeAgent, call: (typeof at.calls)[number]['call']): void => {
  if (call.type === 'UPDATE') at.last.send(acknowledgement(call.update.status));
};

describe('subscription', () => {
  it.each(['application/x-protobuf', 'application/json'] as const)('speaks %s: exact headers, events in order however they are split', async (contentType) => {
    const at = await agent({ contentType }, (it) => {
      it.greet = (stream) => {
        const bytes = Buffer.concat([subscribedEvent, launch('a'), launch('b'), kill('a')].map((event) => encodeRecord(encodeEvent(event, contentType))));
        for (const byte of bytes) stream.raw(new Uint8Array([byte]));
      };
    });
    const me = client(at, { contentType });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH', 'KILL']));
    expect(me.events[1]).toEqual(launch('a'));
    expect(at.last.headers).toMatchObject({ 'content-type': contentType, accept: contentType });
    expect(at.last.headers).not.toHaveProperty('authorization');
    expect(at.last.path).toBe('/api/v1/executor');
    expect(at.last.call).toMatchObject({ executor_id: { value: 'exec-1' }, framework_id: { value: 'framework-1' } });
    expect(me.seen).toEqual({ subscribed: 1, disconnected: 0, lost: [] });
  });

  it('keeps quiet about heartbeats and passes over types that it does not know', async () => {
    const at = await agent();
    const me = client(at);
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    at.last.send({ type: 'HEARTBEAT' }, { type: 'UNKNOWN', value: 77 }, kill('a'));
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'KILL']));
  });

  it('passes a SHUTDOWN on that comes in place of SUBSCRIBED, once, and still delivers what the tasks end with', async () => {
    const at = await agent({}, (it) => {
      it.greet = (stream) => {
        stream.send({ type: 'SHUTDOWN' });
        stream.end();
      };
    });
    const me = client(at, { ledger: withTask('a') });
    await eventually(() => expect(types(me)).toEqual(['SHUTDOWN']));
    me.connection.update(report('a', 'TASK_KILLED'));
    await eventually(() => expect(at.updates).toContain('a TASK_KILLED'));
    await eventually(() => expect(at.tries).toBeGreaterThan(2));
    expect(types(me)).toEqual(['SHUTDOWN']);
  });

  it('hands events over one after the other', async () => {
    const at = await agent();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const begun: string[] = [];
    client(at, {
      onEvent: async (event) => {
        begun.push(event.type);
        if (event.type === 'LAUNCH') await gates.shift()?.promise;
      },
    });
    await eventually(() => expect(begun).toEqual(['SUBSCRIBED']));
    const [first, second] = [...gates];
    at.last.send(launch('a'), launch('b'), kill('a'));
    await eventually(() => expect(begun).toEqual(['SUBSCRIBED', 'LAUNCH']));
    first?.resolve();
    await eventually(() => expect(begun).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH']));
    second?.resolve();
    await eventually(() => expect(begun).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH', 'KILL']));
  });

  it('survives a handler that throws', async () => {
    const at = await agent({}, (it) => (it.greet = (stream) => stream.send(subscribedEvent, launch('a'), kill('a'))));
    const me = client(at, {
      onEvent: (event) => {
        if (event.type === 'LAUNCH') throw new Error('not today');
      },
    });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'LAUNCH', 'KILL']));
    expect(me.log.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(at.tries).toBe(1);
  });

  it('reads acknowledgements while SHUTDOWN is being handled', async () => {
    const at = await agent({}, (it) => (it.greet = (stream) => stream.send(subscribedEvent, launch('a'))));
    at.onCall = (call) => {
      acknowledge(at, call);
      return { status: 202 };
    };
    const flushed: boolean[] = [];
    client(at, {
      onEvent: async (event, { connection }) => {
        if (event.type !== 'SHUTDOWN') return;
        connection.update(report('a', 'TASK_KILLED'));
        flushed.push(await connection.flush(10_000));
      },
    });
    await eventually(() => expect(at.tries).toBe(1));
    at.last.send({ type: 'SHUTDOWN' });
    await eventually(() => expect(flushed).toEqual([true]));
  });
});

/** A ledger that knows of one task, as after a restart. */
function withTask(...ids: string[]): Ledger {
  const ledger = new Ledger({ executorId: 'exec-1', record: () => undefined, clock: systemClock });
  for (const id of ids) ledger.addTask(launch(id).launch.task);
  return ledger;
}

describe('calls', () => {
  it('go out in order on one other connection, never on that of the subscription', async () => {
    const at = await agent();
    const me = client(at, { ledger: withTask('a', 'b') });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    const wanted: string[] = [];
    for (let i = 0; i < 50; i++) {
      for (const task of ['a', 'b']) {
        me.connection.update(report(task, 'TASK_RUNNING'));
        wanted.push(`${task} TASK_RUNNING`);
      }
    }
    me.connection.message(new Uint8Array([1, 2, 3]));
    await eventually(() => expect(at.calls).toHaveLength(101));
    expect(at.updates).toEqual(wanted);
    expect(at.calls.at(-1)?.call).toMatchObject({ type: 'MESSAGE', message: { data: new Uint8Array([1, 2, 3]) } });
    expect(new Set(at.calls.map(({ socket }) => socket)).size).toBe(1);
    expect(at.calls[0]?.socket).not.toBe(at.last.socket);
    const uuids = me.ledger.unacknowledged().updates.map(({ status }) => status.uuid);
    expect(at.calls.flatMap(({ call }) => (call.type === 'UPDATE' ? [call.update.status.uuid] : []))).toEqual(uuids);
  });

  it('records an update before the agent gets it', async () => {
    const at = await agent({}, (it) => (it.greet = (stream) => stream.send(subscribedEvent, launch('a'))));
    const recorded: (LedgerEntry | undefined)[] = [];
    at.onCall = () => {
      recorded.push(me.journal.at(-1));
      return { status: 202 };
    };
    const me = client(at);
    await eventually(() => expect(types(me)).toContain('LAUNCH'));
    me.connection.update(report('a', 'TASK_STARTING'));
    await eventually(() => expect(recorded).toMatchObject([{ kind: 'update', taskId: 'a', state: 'TASK_STARTING' }]));
  });

  it.each(['before', 'after'])('takes an acknowledgement that comes %s the answer', async (when) => {
    const at = await agent();
    at.onCall = async (call) => {
      if (when === 'after') {
        setImmediate(() => acknowledge(at, call));
      } else {
        acknowledge(at, call);
        await eventually(() => expect(me.ledger.pendingUpdates).toBe(0));
      }
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('a') });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('a', 'TASK_RUNNING'));
    expect(await me.connection.flush(10_000)).toBe(true);
    expect(me.ledger.unacknowledged()).toEqual({ tasks: [], updates: [] });
    await eventually(() => expect(types(me)).toContain('ACKNOWLEDGED'));
    expect(at.updates).toEqual(['a TASK_RUNNING']);
  });

  it('gives up waiting when the agent takes updates but acknowledges none', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const me = client(at, { clock, ledger: withTask('a') });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('a', 'TASK_KILLED'));
    const flushed = me.connection.flush(5_000);
    await eventually(() => expect(at.updates).toEqual(['a TASK_KILLED']));
    await clock.advance(5_000);
    expect(await flushed).toBe(false);
  });

  it('repeats an update that the agent cannot take yet, without letting another overtake it', async () => {
    const at = await agent();
    let left = 10;
    at.onCall = (call) => {
      if (left-- > 0) return { status: [503, 404, 500, 401, 307][left % 5] as number, text: 'Agent has not finished recovery' };
      acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('a') });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    for (const state of ['TASK_STARTING', 'TASK_RUNNING', 'TASK_FINISHED'] as const) me.connection.update(report('a', state));
    expect(await me.connection.flush(10_000)).toBe(true);
    expect(at.updates).toEqual([...Array<string>(11).fill('a TASK_STARTING'), 'a TASK_RUNNING', 'a TASK_FINISHED']);
    expect(at.tries).toBe(1);
  });

  it('repeats an update whose connection broke', async () => {
    const at = await agent();
    let broken = 0;
    at.onCall = (call) => {
      if (broken++ === 0) {
        at.calls.at(-1)?.socket.destroy();
        return 'hang';
      }
      acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('a') });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('a', 'TASK_RUNNING'));
    expect(await me.connection.flush(10_000)).toBe(true);
    expect(at.updates).toEqual(['a TASK_RUNNING', 'a TASK_RUNNING']);
  });

  it('repeats an update that is not answered in time', async () => {
    const at = await agent();
    let hung = 0;
    at.onCall = (call) => {
      if (hung++ === 0) return 'hang';
      acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('a'), answerTimeoutMs: 300 });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('a', 'TASK_RUNNING'));
    expect(await me.connection.flush(10_000)).toBe(true);
  });

  it('gives an update up that the agent calls wrong, and goes on with the next', async () => {
    const at = await agent();
    at.onCall = (call) => {
      if (call.type === 'UPDATE' && call.update.status.task_id.value === 'bad') return { status: 400, text: 'Failed to validate' };
      acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('bad', 'good') });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('bad', 'TASK_RUNNING'));
    me.connection.update(report('good', 'TASK_RUNNING'));
    expect(await me.connection.flush(10_000)).toBe(true);
    expect(at.updates).toEqual(['bad TASK_RUNNING', 'good TASK_RUNNING']);
    expect(me.log.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([expect.objectContaining({ status: 400, task: 'bad', text: 'Failed to validate' })]);
    at.last.socket.destroy();
    await eventually(() => expect(at.tries).toBe(2));
    expect(at.last.call.subscribe.unacknowledged_updates ?? []).toEqual([]);
  });

  it('tells once of each update that is over, and does not wait for one that the agent calls wrong', async () => {
    const at = await agent();
    at.onCall = (call) => {
      if (call.type === 'UPDATE' && call.update.status.task_id.value === 'bad') return { status: 400, text: 'Failed to validate' };
      acknowledge(at, call);
      acknowledge(at, call);
      return { status: 202 };
    };
    const over: [string, string][] = [];
    const me = client(at, { ledger: withTask('bad', 'good'), onSettled: (uuid, how) => over.push([uuidText(uuid), how]) });
    await eventually(() => expect(at.tries).toBe(1));
    const good = me.connection.update(report('good', 'TASK_RUNNING'));
    expect(await me.connection.flush(10_000)).toBe(true);
    const bad = me.connection.update(report('bad', 'TASK_RUNNING'));
    const began = Date.now();
    expect(await me.connection.flush(10_000)).toBe(true); // the last one
    expect(Date.now() - began).toBeLessThan(5000);
    expect(over).toEqual([good, bad].map((update, n) => [uuidText(update?.status.uuid ?? new Uint8Array()), n === 0 ? 'acknowledged' : 'refused']));
  });

  it('subscribes anew when the agent says that it is not subscribed', async () => {
    const at = await agent();
    at.onCall = (call) => {
      if (at.tries === 1) return { status: 403, text: 'Executor is not subscribed' };
      acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at, { ledger: withTask('a') });
    await eventually(() => expect(at.tries).toBe(1));
    me.connection.update(report('a', 'TASK_RUNNING'));
    await eventually(() => expect(at.tries).toBe(2));
    expect(at.last.call.subscribe.unacknowledged_updates).toHaveLength(1);
  });

  it('subscribes anew when an agent that sends heartbeats has sent nothing for 65 minutes, and never where it sends none', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const me = client(at, { clock });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    await clock.advance(200 * 60_000);
    expect(at.tries).toBe(1);
    at.last.send({ type: 'HEARTBEAT' });
    await eventually(() => expect(clock.pending).toBe(2));
    await clock.advance(64 * 60_000);
    at.last.send({ type: 'KILL', kill: { task_id: { value: 'a' } } });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'KILL']));
    await clock.advance(64 * 60_000);
    expect(at.tries).toBe(1);
    await clock.advance(60_000);
    await eventually(() => expect(me.seen.disconnected).toBe(1));
    await eventually(() => expect(clock.pending).toBeGreaterThan(0));
    await clock.advance(1_000);
    await eventually(() => expect(at.tries).toBe(2));
    expect(me.seen.lost).toEqual([]);
  });

  it('sends a heartbeat every 30 minutes and nothing else by itself', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const me = client(at, { clock });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    await clock.advance(29 * 60_000);
    expect(at.calls).toEqual([]);
    await clock.advance(60_000);
    await eventually(() => expect(at.calls.map(({ call }) => call.type)).toEqual(['HEARTBEAT']));
    await clock.advance(30 * 60_000);
    await eventually(() => expect(at.calls).toHaveLength(2));
    expect(at.tries).toBe(1);
  });
});

describe('an agent that goes away', () => {
  it('comes back as a real one does: refused, 404, 503, 200, then 503 for updates; nothing is lost or sent twice', async () => {
    const at = await agent({}, (it) => (it.greet = (stream) => stream.send(subscribedEvent, launch('a'), launch('b'))));
    at.onCall = (call) => {
      if (call.type === 'UPDATE' && call.update.status.task_id.value === 'a') acknowledge(at, call);
      return { status: 202 };
    };
    const me = client(at);
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH']));
    me.connection.update(report('a', 'TASK_STARTING'));
    me.connection.update(report('b', 'TASK_STARTING'));
    await eventually(() => expect(at.updates).toEqual(['a TASK_STARTING', 'b TASK_STARTING']));
    await eventually(() => expect(me.ledger.pendingUpdates).toBe(1));
    await at.kill();
    await eventually(() => expect(me.seen.disconnected).toBe(1));
    me.connection.update(report('a', 'TASK_RUNNING'));
    await eventually(() => expect(me.log.filter(({ fields }) => String(fields['reason']).includes('ECONNREFUSED')).length).toBeGreaterThan(2));

    const answers = [404, 503, 503];
    at.onSubscribe = () => ({ status: answers.shift() ?? 200, text: 'Agent has not finished recovery' });
    at.greet = (stream) => stream.send(subscribedEvent);
    let refusals = 4;
    at.onCall = (call) => {
      if (refusals-- > 0) return { status: 503, text: 'Agent has not finished recovery' };
      acknowledge(at, call);
      return { status: 202 };
    };
    at.calls.length = 0;
    await at.start();
    await eventually(() => expect(at.subscribed).toHaveLength(2));
    const { unacknowledged_tasks: tasks, unacknowledged_updates: updates } = at.last.call.subscribe;
    expect(tasks?.map(({ task_id }) => task_id.value)).toEqual(['b']);
    expect(updates?.map(({ status }) => `${status.task_id.value} ${status.state}`)).toEqual(['b TASK_STARTING', 'a TASK_RUNNING']);
    for (const { status } of updates ?? []) at.last.send(acknowledgement(status));
    me.connection.update(report('a', 'TASK_FINISHED'));
    expect(await me.connection.flush(10_000)).toBe(true);
    expect(new Set(at.updates)).toEqual(new Set(['a TASK_FINISHED']));
    expect(at.calls).toHaveLength(5);
    expect(me.seen).toEqual({ subscribed: 2, disconnected: 1, lost: [] });
    const warned = me.log.filter(({ level, message }) => level === 'warn' && message.includes('does not take'));
    expect(new Set(warned.map(({ fields }) => fields['reason'])).size).toBe(warned.length);
  });

  it('looks for it often enough to be back well within 2 s', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const pauses: number[] = [];
    const me = client(at, { clock: { now: () => clock.now(), elapsed: () => clock.elapsed(), after: (ms, fn) => (pauses.push(ms), clock.after(ms, fn)) } });
    await eventually(() => expect(me.seen.subscribed).toBe(1));
    pauses.length = 0;
    await at.kill();
    await eventually(() => expect(me.seen.disconnected).toBe(1));
    const tried = (): number => me.log.filter(({ message }) => message.includes('trying again')).length;
    for (let i = 1; i <= 20; i++) {
      const before = tried();
      await eventually(() => expect(pauses.filter((ms) => ms < 2_000)).toHaveLength(i));
      await clock.advance(pauses.at(-1) as number, () => eventually(() => expect(tried()).toBe(before + 1)));
    }
    const between = pauses.filter((ms) => ms < 2_000);
    expect(between[0]).toBeLessThanOrEqual(25);
    expect(Math.max(...between)).toBeLessThanOrEqual(500);
    expect(between.at(-1)).toBeGreaterThanOrEqual(250);
    await at.start();
    await clock.advance(500);
    await eventually(() => expect(me.seen.subscribed).toBe(2));
    await clock.advance(1_000);
    pauses.length = 0;
    await at.kill();
    await eventually(() => expect(pauses.filter((ms) => ms < 2_000)[0]).toBeLessThanOrEqual(25));
  });

  it('is lost when the recovery timeout has passed since it went, however often it was looked for', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const me = client(at, { clock, env: { MESOS_RECOVERY_TIMEOUT: '10secs' } });
    await eventually(() => expect(me.seen.subscribed).toBe(1));
    await clock.advance(3_600_000); // as long as it is there, time does not count
    await at.kill();
    await eventually(() => expect(me.seen.disconnected).toBe(1));
    const settled = (): Promise<void> => eventually(() => expect(clock.pending).toBe(2));
    await settled();
    await clock.advance(9_999, settled);
    expect(me.log.filter(({ message }) => message.includes('trying again')).length).toBeGreaterThan(10);
    expect(me.seen.lost).toEqual([]);
    await clock.advance(1);
    expect(me.seen.lost).toHaveLength(1);
    expect(me.seen.lost[0]).toContain('10 s');
    await at.start();
    await clock.advance(60_000);
    expect(at.tries).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('starts the recovery timeout anew with each disconnection', async () => {
    const at = await agent();
    const clock = new ManualClock();
    const me = client(at, { clock, env: { MESOS_RECOVERY_TIMEOUT: '10secs' } });
    for (let round = 1; round <= 3; round++) {
      await eventually(() => expect(me.seen.subscribed).toBe(round));
      await at.kill();
      await eventually(() => expect(me.seen.disconnected).toBe(round));
      const settled = (): Promise<void> => eventually(() => expect(clock.pending).toBe(2));
      await settled();
      await clock.advance(9_000, settled);
      await at.start();
      await clock.advance(600, () => eventually(() => expect(clock.pending).toBe(1)));
    }
    expect(me.seen.lost).toEqual([]);
  });

  it('is lost at once when nothing is checkpointed', async () => {
    const at = await agent();
    const me = client(at, { env: { MESOS_CHECKPOINT: '0' } });
    await eventually(() => expect(me.seen.subscribed).toBe(1));
    at.last.socket.destroy();
    await eventually(() => expect(me.seen).toMatchObject({ disconnected: 1, lost: [expect.any(String)] }));
    expect(at.tries).toBe(1);
  });

  it('is not lost without checkpointing when it only ended the stream and takes the next subscription', async () => {
    const at = await agent();
    const me = client(at, { env: { MESOS_CHECKPOINT: '0' } });
    await eventually(() => expect(me.seen.subscribed).toBe(1));
    at.last.end();
    await eventually(() => expect(me.seen).toEqual({ subscribed: 2, disconnected: 1, lost: [] }));
    at.onSubscribe = () => ({ status: 400, text: 'Framework cannot be found' });
    at.last.end();
    await eventually(() => expect(me.seen.lost).toEqual(['400 Framework cannot be found']));
  });

  it('holds updates back that are made while SUBSCRIBE is on its way, and sends each once', async () => {
    const at = await agent();
    let stream: Subscribed | undefined;
    at.greet = (it) => (stream = it);
    const me = client(at, { ledger: withTask('a') });
    me.connection.update(report('a', 'TASK_STARTING'));
    await eventually(() => expect(stream).toBeDefined());
    me.connection.update(report('a', 'TASK_RUNNING'));
    const inSubscribe = stream?.call.subscribe.unacknowledged_updates?.map(({ status }) => status.state) ?? [];
    expect(at.calls).toEqual([]);
    stream?.send(subscribedEvent);
    await eventually(() => expect(at.updates.at(-1)).toBe('a TASK_RUNNING'));
    expect([...inSubscribe.map((state) => `a ${state}`), ...at.updates]).toEqual(['a TASK_STARTING', 'a TASK_RUNNING']);
  });

  it('does not begin with launches of a stream that broke before their turn: the agent counts them as not arrived', async () => {
    const at = await agent();
    const gate = Promise.withResolvers<void>();
    const me = client(at, { onEvent: (event) => (event.type === 'KILL' ? gate.promise : undefined) });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    at.last.send(kill('x'), launch('late'), kill('y'));
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'KILL']));
    at.last.send({ type: 'HEARTBEAT' });
    await eventually(() => expect(at.sockets.size).toBe(1));
    at.last.end();
    await eventually(() => expect(at.tries).toBe(2));
    expect(at.last.call.subscribe.unacknowledged_tasks ?? []).toEqual([]);
    gate.resolve();
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED', 'KILL', 'KILL', 'SUBSCRIBED']));
  });
});

describe('an agent that misbehaves', () => {
  const garbage: [string, (stream: Subscribed) => void][] = [
    ['no RecordIO', (stream) => stream.raw('HTTP/1.1 202 Accepted\r\n\r\n')],
    ['a record that is no event', (stream) => stream.raw(encodeRecord(new Uint8Array([1, 2, 3, 255])))],
    ['a record over the limit', (stream) => stream.raw(encodeRecord(new Uint8Array(5_000)))],
    ['an endless length line', (stream) => stream.raw('0'.repeat(1_000))],
    ['a stream that ends inside a record', (stream) => (stream.raw('100\nabc'), stream.end())],
  ];
  it.each(garbage)('after %s it takes what came before and subscribes anew', async (_name, spoil) => {
    const at = await agent({}, (it) => {
      it.greet = (stream) => {
        stream.send(subscribedEvent);
        if (it.tries > 1) return;
        stream.send(launch('a'));
        spoil(stream);
      };
    });
    const me = client(at, { recordLimitBytes: 4_096 });
    await eventually(() => expect(at.subscribed).toHaveLength(2));
    expect(types(me).slice(0, 2)).toEqual(['SUBSCRIBED', 'LAUNCH']);
    expect(at.last.call.subscribe.unacknowledged_tasks).toEqual([launch('a').launch.task]);
    await eventually(() => expect(me.seen).toEqual({ subscribed: 2, disconnected: 1, lost: [] }));
    expect(me.log.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('tries again when a SUBSCRIBE is not answered, or answered with nothing', async () => {
    const at = await agent({}, (it) => {
      it.onSubscribe = (_call, attempt) => (attempt === 1 ? 'hang' : { status: 200 });
      it.greet = (stream) => {
        if (it.tries > 2) stream.send(subscribedEvent);
      };
    });
    const me = client(at, { answerTimeoutMs: 200 });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    expect(at.tries).toBe(3);
    await eventually(() => expect(at.sockets.size).toBe(1));
  });

  it('waits for a slow one', async () => {
    const at = await agent({}, (it) => (it.greet = (stream) => void setTimeout(() => stream.send(subscribedEvent), 700)));
    const me = client(at);
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    expect(at.tries).toBe(1);
  });
});

describe('credentials and transports', () => {
  it('sends the token with every call and never logs it; 401 is tried again and said once', async () => {
    const at = await agent({}, (it) => (it.onSubscribe = (_call, attempt) => (attempt < 5 ? { status: 401, text: '401 Unauthorized.' } : { status: 200 })));
    const me = client(at, { env: { MESOS_EXECUTOR_AUTHENTICATION_TOKEN: 'eyJhbGciOi.secret' } });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    me.connection.message(new Uint8Array(1));
    await eventually(() => expect(at.calls).toHaveLength(1));
    expect(at.last.headers.authorization).toBe('Bearer eyJhbGciOi.secret');
    expect(at.calls[0]?.headers.authorization).toBe('Bearer eyJhbGciOi.secret');
    expect(JSON.stringify(me.log)).not.toContain('secret');
    expect(me.log.filter(({ level }) => level === 'error').map(({ fields }) => fields['reason'])).toEqual(['401 401 Unauthorized.']);
  });

  it('speaks over the domain socket, at the path behind the agent\'s prefix', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'km-mesos-'));
    closing.push(async () => rmSync(folder, { recursive: true }));
    const socketPath = join(folder, 'agent.sock');
    const at = await agent({ socketPath });
    const me = client(at, { env: { MESOS_AGENT_ENDPOINT: '127.0.0.1:9', MESOS_SLAVE_PID: 'slave(3)@127.0.0.1:9', MESOS_DOMAIN_SOCKET: socketPath } });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    me.connection.message(new Uint8Array(1));
    await eventually(() => expect(at.calls).toHaveLength(1));
    expect(at.last.path).toBe('/slave(3)/api/v1/executor');
  });

  const file = (name: string): string => join(import.meta.dirname, '../../fixtures/mesos-tls', name);
  const certified = (name: string, more: object = {}): object => ({ cert: readFileSync(file(`${name}.pem`)), key: readFileSync(file(`${name}.key`)), ...more });
  const tlsEnv = (more: Record<string, string> = {}): Record<string, string> => ({ LIBPROCESS_SSL_ENABLED: '1', LIBPROCESS_SSL_CERT_FILE: file('executor.pem'), LIBPROCESS_SSL_KEY_FILE: file('executor.key'), ...more });
  const verifying = (ca: string): Record<string, string> => tlsEnv({ LIBPROCESS_SSL_VERIFY_SERVER_CERT: 'true', LIBPROCESS_SSL_VERIFY_IPADD: 'true', LIBPROCESS_SSL_CA_FILE: file(ca) });

  it('speaks TLS with a certificate of its own to an agent whose certificate is in order', async () => {
    const tls = certified('agent', { ca: readFileSync(file('ca.pem')), requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA:AES256-SHA' });
    const at = await agent({ tls });
    const me = client(at, { env: verifying('ca.pem') });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    me.connection.message(new Uint8Array(1));
    await eventually(() => expect(at.calls).toHaveLength(1));
  });

  it.each([
    ['an unknown authority', 'agent', 'other-ca.pem'],
    ['another address', 'stranger', 'ca.pem'],
  ])('does not talk to an agent with a certificate of %s when it is to verify', async (_name, certificate, ca) => {
    const at = await agent({ tls: certified(certificate) });
    const me = client(at, { env: verifying(ca) });
    await eventually(() => expect(me.log.some(({ message }) => message.includes('trying again'))).toBe(true));
    expect(at.tries).toBe(0);
    const trusting = client(at, { env: tlsEnv() });
    await eventually(() => expect(types(trusting)).toEqual(['SUBSCRIBED']));
    expect(at.tries).toBe(1);
  });

  it('asks for the name that the address of the agent has, or for the address, as it is told', async () => {
    const named = await agent({ tls: certified('named') });
    const authority = { LIBPROCESS_SSL_VERIFY_SERVER_CERT: 'true', LIBPROCESS_SSL_CA_FILE: file('named.pem') };
    const refused = client(named, { env: tlsEnv({ ...authority, LIBPROCESS_SSL_HOSTNAME_VALIDATION_SCHEME: 'openssl', LIBPROCESS_SSL_VERIFY_IPADD: '1' }) });
    await eventually(() => expect(JSON.stringify(refused.log)).toContain("IP: 127.0.0.1 is not in the cert's list"));
    expect(named.tries).toBe(0);
    const me = client(named, { env: tlsEnv(authority) });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
  });

  it('finds its authorities in a directory, whatever else is there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'km-authorities-'));
    closing.push(async () => rmSync(folder, { recursive: true }));
    for (const ca of ['ca.pem', 'other-ca.pem']) cpSync(file(ca), join(folder, ca));
    writeFileSync(join(folder, 'README'), 'authorities');
    const at = await agent({ tls: certified('agent') });
    const me = client(at, { env: tlsEnv({ LIBPROCESS_SSL_VERIFY_SERVER_CERT: '1', LIBPROCESS_SSL_VERIFY_IPADD: '1', LIBPROCESS_SSL_CA_DIR: folder }) });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
  });

  it('says which TLS file cannot be read', async () => {
    const at = await agent();
    const me = client(at, { env: tlsEnv({ LIBPROCESS_SSL_CERT_FILE: '/nowhere/cert.pem' }) });
    await eventually(() => expect(me.log.find(({ level }) => level === 'error')?.fields['reason']).toContain('/nowhere/cert.pem'));
  });
});

describe('stop', () => {
  const handles = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe|Timeout/.test(name)).sort();

  it('leaves no connection, timer or request, whatever is under way', async () => {
    for (const state of ['subscribed', 'subscribing', 'away', 'sending'] as const) {
      const at = await agent({}, (it) => {
        if (state === 'subscribing') it.onSubscribe = () => 'hang';
        if (state === 'sending') it.onCall = () => 'hang';
      });
      const before = handles();
      if (state === 'away') await at.kill();
      const me = connect(at.port, { ledger: withTask('a') });
      if (state !== 'away' && state !== 'subscribing') await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
      else await eventually(() => expect(me.log.length + at.tries).toBeGreaterThan(0));
      me.connection.update(report('a', 'TASK_RUNNING'));
      if (state === 'sending') await eventually(() => expect(at.calls).toHaveLength(1));
      const flushed = me.connection.flush(60_000);
      await me.connection.stop();
      expect(await flushed).toBe(false);
      await eventually(() => expect(at.sockets.size).toBe(0));
      await eventually(() => expect(handles().length).toBeLessThanOrEqual(before.length));
      expect(me.seen.lost).toEqual([]);
      await at.kill();
    }
  });

  it('may be called by the handler of an event', async () => {
    const at = await agent();
    const stopped: boolean[] = [];
    const me = client(at, {
      onEvent: async (event: Event, { connection }) => {
        if (event.type !== 'SHUTDOWN') return;
        await connection.stop();
        stopped.push(true);
      },
    });
    await eventually(() => expect(types(me)).toEqual(['SUBSCRIBED']));
    at.last.send({ type: 'SHUTDOWN' }, kill('a'));
    await eventually(() => expect(stopped).toEqual([true]));
    expect(types(me)).toEqual(['SUBSCRIBED', 'SHUTDOWN']);
  });
});
