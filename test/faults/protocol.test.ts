/** Orders of an agent that come twice, too late, or in an order that nobody expects: each task still has one end, and nothing is left. */
import { expect, test } from 'vitest';
import { killPolicy } from '../support/executor-under-test.ts';
import type { Entry } from './book.ts';
import { Conductor } from './carry-out.ts';
import type { KindName } from './kinds.ts';
import { Laboratory } from './laboratory.ts';
import { faultsOfContainers, faultsOfGroups, faultsOfLog, faultsOfTasks } from './promises.ts';
import { randomOf } from './random.ts';

interface Scene {
  readonly lab: Laboratory;
  readonly launch: (kind: KindName) => Entry;
  readonly states: (entry: Entry) => readonly string[];
  readonly until: (what: string, ask: () => boolean) => Promise<void>;
  readonly running: (entry: Entry) => Promise<void>;
}

/** Plays it below an agent, then shuts the executor down (unless it is) and holds the promises against what there is. */
async function play(scene: (scene: Scene) => Promise<void>, { graceMs = 60_000 } = {}): Promise<void> {
  await using lab = await Laboratory.start({ engine: 'stand-in', random: randomOf(1), kubernetes: false, shutdownGracePeriodMs: graceMs });
  await lab.spawn();
  const conductor = new Conductor(lab, { seed: 1 }, undefined);
  let names = 0;
  const states = ({ taskId }: Entry): readonly string[] => lab.agent.tasks.get(taskId)?.states ?? [];
  const until = async (what: string, ask: () => boolean): Promise<void> => expect(await lab.until(ask, 15_000), `${what}\n${lab.log}`).toBe(true);
  await until('it is subscribed', () => lab.agent.subscribed);
  await scene({
    lab, states, until,
    launch: (kind) => conductor.launch({ kind, name: `pod-${names++}`, bound: false }),
    running: (entry) => until(`${entry.name} runs`, () => states(entry).includes('TASK_RUNNING')),
  });
  for (const entry of conductor.book) entry.told = true;
  expect((lab.toldToEnd ? await lab.ended() : await lab.shutdown())?.code, lab.log).toBe(0);
  expect([...faultsOfTasks(lab, conductor.book), ...faultsOfContainers(lab, conductor.book), ...faultsOfGroups(lab, conductor.book), ...faultsOfLog(lab.log), ...(await lab.leftOvers())], lab.log).toEqual([]);
}

test('what is launched while it shuts down is killed and never runs', () => play(async ({ lab, launch, running, states, until }) => {
  const stubborn = launch('stubborn');
  await running(stubborn);
  lab.agent.shutdown();
  const late = launch('server');
  const group = [launch('server'), launch('server')];
  await until('all have ended', () => [stubborn, late, ...group].every((entry) => states(entry).includes('TASK_KILLED')));
  for (const { uid, name } of [late, ...group]) expect(lab.engine.starts(uid, 'main'), name).toBe(0);
}));

test('SHUTDOWN, KILL and acknowledgements that come twice are one', () => play(async ({ lab, launch, running, states, until }) => {
  const [one, other] = [launch('server'), launch('server')];
  await Promise.all([one, other].map(running));
  const { updates = [] } = lab.agent.tasks.get(one.taskId) ?? {};
  for (const { status } of updates) lab.agent.send({ type: 'ACKNOWLEDGED', acknowledged: { task_id: { value: one.taskId }, uuid: status.uuid as Uint8Array } });
  lab.agent.send({ type: 'ACKNOWLEDGED', acknowledged: { task_id: { value: 'no-such-task' }, uuid: new Uint8Array(16) } });
  for (let times = 0; times < 3; times++) lab.agent.kill(one.taskId);
  await until('it is killed', () => states(one).includes('TASK_KILLED'));
  lab.agent.kill(one.taskId);
  lab.agent.shutdown();
  lab.agent.shutdown();
  await until('the other is killed', () => states(other).includes('TASK_KILLED'));
}));

test('a KILL that overtakes its LAUNCH is nothing; one right behind it ends the pod before it has run', () => play(async ({ lab, launch, running, states, until }) => {
  lab.agent.kill('task-of-nobody');
  const killedAtOnce = launch('server');
  lab.agent.kill(killedAtOnce.taskId);
  const after = launch('server');
  await running(after);
  await until('it is killed', () => states(killedAtOnce).includes('TASK_KILLED'));
  expect(states(killedAtOnce)).not.toContain('TASK_RUNNING');
  expect(lab.agent.tasks.get('task-of-nobody')).toBeUndefined();
}));

test('a later KILL with less grace ends the pod sooner, one with more does not keep it', () => play(async ({ lab, launch, running, states, until }) => {
  const [sooner, notLater] = [launch('stubborn'), launch('stubborn')];
  await Promise.all([sooner, notLater].map(running));
  for (const [entry, graces] of [[sooner, [3_600_000, 100]], [notLater, [100, 3_600_000]]] as const) {
    for (const graceMs of graces) lab.agent.kill(entry.taskId, killPolicy(graceMs));
    await until(`${entry.name} is killed`, () => states(entry).includes('TASK_KILLED'));
  }
}));

test('answers that send it elsewhere, refuse its token or put it off keep no update from the agent', () => play(async ({ lab, launch, states, until }) => {
  const told = launch('job');
  const answer = (status: number, headers: Readonly<Record<string, string>> = {}): void =>
    lab.toAgent.break({ fault: { kind: 'answer', status, headers, body: 'not now' }, times: 2, matches: ({ method }) => method === 'POST' });
  answer(307, { location: 'http://127.0.0.1:1/api/v1/executor' });
  answer(401, { 'www-authenticate': 'Bearer realm="mesos"' });
  answer(403);
  answer(503);
  await until('the end is told', () => states(told).includes('TASK_FINISHED'));
  lab.toAgent.cut(); // and the same for a subscription
  await until('the agent has lost it', () => !lab.agent.subscribed);
  answer(307, { location: 'http://127.0.0.1:1/api/v1/executor' });
  answer(401);
  answer(403);
  await until('it is subscribed again', () => lab.agent.subscribed);
  const next = launch('job');
  await until('the next is told too', () => states(next).includes('TASK_FINISHED'));
}));
