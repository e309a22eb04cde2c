import { afterEach, describe, expect, it } from 'vitest';
import { decodeCall, decodeEvent, uuidText, type Call, type ContentType, type Event, type TaskReport } from '../../../src/mesos/index.ts';
import { connect, eventually, type Connected } from './connected.ts';
import { FakeAgent } from './fake-agent.ts';
import { recordings, type Line, type Recording } from './recordings.ts';

/** Stand-ins that were told to say wrong things when they subscribed again, to see what the agent does. */
const SUBSCRIBED_WRONGLY = /kill9-(unacked|staging-forgotten)$/;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const bytes = (json: unknown): Uint8Array => Buffer.from(JSON.stringify(json));
const eventOf = (line: Line): Event | undefined => (line.event === undefined ? undefined : decodeEvent(bytes(line.event), 'application/json'));
const callOf = (line: Line): Call | undefined => (line.call === undefined ? undefined : decodeCall(bytes(line.call), 'application/json'));
const named = (status: TaskReport): string => `${status.task_id.value} ${status.state}`;

/** Plays the agent's side of a recording, line by line, and lets our client do what the recorded executor did. */
class Replay {
  readonly agent: FakeAgent;
  readonly me: Connected;
  readonly name: string;
  /** What the client must have handed over. */
  readonly wanted: Event[] = [];
  /** Ours for each recorded uuid. */
  readonly #uuids = new Map<string, Uint8Array>();
  /** What the agent would have to be told in a SUBSCRIBE now, by the recording alone. */
  readonly #tasks = new Set<string>();
  readonly #updates = new Map<string, string>();
  /** The connection of the stream that is open. */
  #streamOn: number | undefined;
  #allow: ((call: Extract<Call, { type: 'SUBSCRIBE' }>) => boolean) | undefined;

  constructor({ name, header }: Recording, agent: FakeAgent, me: Connected) {
    this.name = name;
    this.agent = agent;
    this.me = me;
    agent.greet = () => undefined;
    agent.onSubscribe = (call) => (call.type === 'SUBSCRIBE' && this.#allow?.(call) === true ? { status: 200 } : { status: 503, text: 'Agent has not finished recovery' });
    expect(header.environment).toHaveProperty('MESOS_SLAVE_ID');
  }

  async play(lines: readonly Line[]): Promise<void> {
    for (const [i, line] of lines.entries()) {
      const event = eventOf(line);
      const call = callOf(line);
      if (event !== undefined) await this.#event(event);
      else if (call?.type === 'SUBSCRIBE') await this.#subscribe(call, line, lines.slice(i));
      else if (call?.type === 'UPDATE') await this.#update(call.update.status, lines.slice(i));
      else if (call?.type === 'MESSAGE') await this.#message(call.message.data);
      else if (line.conn === this.#streamOn && (line.connection !== undefined || line.end !== undefined) && line.connection !== 'open') await this.#break(line);
    }
  }

  /** What our ledger must hold at the end. */
  checkLedger(): void {
    const { tasks, updates } = this.me.ledger.unacknowledged();
    expect(tasks.map(({ task_id }) => task_id.value)).toEqual([...this.#tasks]);
    expect(updates.map(({ status }) => named(status))).toEqual([...this.#updates.values()]);
  }

  async #event(event: Event): Promise<void> {
    if (event.type === 'ACKNOWLEDGED') {
      const ours = this.#uuids.get(uuidText(event.acknowledged.uuid));
      expect(ours, 'acknowledges an update that was sent').toBeDefined();
      this.#tasks.delete(event.acknowledged.task_id.value);
      this.#updates.delete(uuidText(event.acknowledged.uuid));
      const mine: Event = { ...event, acknowledged: { ...event.acknowledged, uuid: ours as Uint8Array } };
      this.wanted.push(mine);
      this.agent.last.send(mine);
      return eventually(() => expect(this.me.ledger.pending(ours as Uint8Array)).toBeUndefined());
    }
    for (const task of event.type === 'LAUNCH' ? [event.launch.task] : event.type === 'LAUNCH_GROUP' ? (event.launch_group.task_group.tasks ?? []) : []) this.#tasks.add(task.task_id.value);
    this.agent.last.send(event);
    const repeated = event.type === 'SHUTDOWN' && this.wanted.some(({ type }) => type === 'SHUTDOWN');
    if (event.type !== 'HEARTBEAT' && !repeated) this.wanted.push(event);
    await eventually(() => expect(this.me.events).toHaveLength(this.wanted.length));
  }

  async #subscribe(call: Extract<Call, { type: 'SUBSCRIBE' }>, line: Line, rest: readonly Line[]): Promise<void> {
    if (rest.find((later) => later.conn === line.conn && later.status !== undefined)?.status !== 200) return;
    if (this.#streamOn !== undefined) await this.#break({ ...line, end: true });
    for (const { status } of call.subscribe.unacknowledged_updates ?? []) this.#make(status);
    const mine = { tasks: [...this.#tasks], updates: [...this.#updates.values()] };
    const contentOf = ({ subscribe }: typeof call): typeof mine => ({
      tasks: (subscribe.unacknowledged_tasks ?? []).map(({ task_id }) => task_id.value),
      updates: (subscribe.unacknowledged_updates ?? []).map(({ status }) => named(status)),
    });
    const before = this.agent.subscribed.length;
    this.#allow = (live) => contentOf(live).updates.length === mine.updates.length;
    await eventually(() => expect(this.agent.subscribed).toHaveLength(before + 1));
    this.#allow = undefined;
    this.#streamOn = line.conn;
    expect(contentOf(this.agent.last.call)).toEqual(mine);
    if (!SUBSCRIBED_WRONGLY.test(this.name)) expect(contentOf(call)).toEqual(mine);
  }

  /** Our executor makes the update that the recorded one made. */
  #make(status: TaskReport & { uuid?: Uint8Array }): boolean {
    const { uuid, ...told } = status;
    const key = uuidText(uuid ?? new Uint8Array());
    if (this.#uuids.has(key)) return false;
    const { source: _source, timestamp: _timestamp, executor_id: _executor, ...report } = told as typeof status & { source?: string; timestamp?: number; executor_id?: object };
    const made = this.me.connection.update(report);
    expect(made, `${named(report)} is taken`).toBeDefined();
    this.#uuids.set(key, made?.status.uuid as Uint8Array);
    this.#updates.set(key, named(report));
    return true;
  }

  async #update(status: TaskReport & { uuid?: Uint8Array }, rest: readonly Line[]): Promise<void> {
    const key = uuidText(status.uuid ?? new Uint8Array());
    const answers = rest.filter((line) => line.status !== undefined && line.conn === rest[0]?.conn).slice(0, 1);
    let refuse = (answers[0]?.status ?? 202) === 503;
    this.agent.onCall = () => {
      const answer = refuse ? { status: 503, text: 'Agent has not finished recovery' } : { status: 202 };
      refuse = false;
      return answer;
    };
    if (!this.#make(status)) return;
    if (this.#streamOn !== undefined) await eventually(() => expect(this.agent.updates.at(-1)).toBe(named(status)));
    expect(this.#uuids.has(key)).toBe(true);
  }

  async #message(data: Uint8Array): Promise<void> {
    this.me.connection.message(data);
    await eventually(() => expect(this.agent.calls.at(-1)?.call).toMatchObject({ type: 'MESSAGE', message: { data } }));
  }

  async #break(line: Line): Promise<void> {
    const before = this.me.seen.disconnected;
    this.#streamOn = undefined;
    if (line.end !== undefined) this.agent.last.end();
    else this.agent.last.socket.destroy();
    await eventually(() => expect(this.me.seen.disconnected).toBe(before + 1));
  }
}

const played = recordings().filter(({ header, lines, name }) => !/bad-calls/.test(name) && 'MESOS_SLAVE_ID' in header.environment && lines.some((line) => callOf(line)?.type === 'SUBSCRIBE'));

describe('against the agent of a recording', () => {
  it.each(played)('$name: events in order, acknowledgements in the ledger, the right subscription', async (recording) => {
    const contentType = recording.header.contentType as ContentType;
    const agent = await new FakeAgent({ contentType }).start();
    closing.push(() => agent.kill());
    const { MESOS_EXECUTOR_ID, MESOS_FRAMEWORK_ID } = recording.header.environment;
    const me = connect(agent.port, {
      contentType,
      env: { MESOS_EXECUTOR_ID: MESOS_EXECUTOR_ID as string, MESOS_FRAMEWORK_ID: MESOS_FRAMEWORK_ID as string },
      onEvent: (event, { ledger }) => {
        if (event.type === 'LAUNCH_GROUP') for (const task of event.launch_group.task_group.tasks ?? []) ledger.addTask(task);
      },
    });
    closing.push(() => me.connection.stop());
    const replay = new Replay(recording, agent, me);
    await replay.play(recording.lines);
    expect(me.events).toEqual(replay.wanted);
    replay.checkLedger();
    expect(me.seen.lost).toEqual([]);
    const sent = new Set(agent.calls.flatMap(({ call }) => (call.type === 'UPDATE' ? [call.update.status.executor_id?.value] : [])));
    expect([...sent]).toEqual(sent.size === 0 ? [] : ['exec-1']);
  });
});
