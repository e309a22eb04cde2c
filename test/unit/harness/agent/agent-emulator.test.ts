import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { randomUuid, uuidText } from '../../../../src/mesos/index.ts';
import { AgentEmulator, type AgentOptions } from '../../../../src/harness/index.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { dial, ExecutorClient, send, task } from './executor-client.ts';

const open: AgentEmulator[] = [];
afterEach(async () => {
  for (const agent of open.splice(0)) await agent.close();
});

async function start(options: AgentOptions = {}): Promise<AgentEmulator> {
  const agent = await AgentEmulator.start(options);
  open.push(agent);
  return agent;
}

const states = (agent: AgentEmulator): Record<string, readonly string[]> => Object.fromEntries([...agent.tasks].map(([id, record]) => [id, record.states]));

describe.each(['application/json', 'application/x-protobuf'] as const)('a subscription in %s', (contentType) => {
  it('gets SUBSCRIBED, then what was launched before, then what comes', async () => {
    const agent = await start({ executorData: Buffer.from('static pods') });
    agent.launch(task('one'));
    agent.launchGroup([task('two'), task('three')]);
    const executor = new ExecutorClient(agent, contentType);
    await executor.subscribe();
    agent.kill('one', { grace_period: { nanoseconds: 1_000_000_000 } });
    agent.message(Buffer.from('hello'));
    agent.shutdown();
    await executor.received('SHUTDOWN');
    expect(executor.events.map((event) => event.type)).toEqual(['SUBSCRIBED', 'LAUNCH', 'LAUNCH_GROUP', 'KILL', 'MESSAGE', 'SHUTDOWN']);
    expect(executor.events[0]).toMatchObject({ subscribed: { executor_info: { data: new Uint8Array(Buffer.from('static pods')) }, agent_info: { port: agent.port } } });
    expect(executor.events[3]).toMatchObject({ kill: { task_id: { value: 'one' }, kill_policy: { grace_period: { nanoseconds: 1_000_000_000 } } } });
  });

  it('carries an acknowledgement for every update, a second one for the same uuid, none for a task that was never launched', async () => {
    const agent = await start();
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent, contentType);
    await executor.subscribe();
    const [first, second, foreign] = [randomUuid(), randomUuid(), randomUuid()];
    expect(await executor.update('one', 'TASK_STARTING', first)).toBe(202);
    expect(await executor.update('one', 'TASK_STARTING', first)).toBe(202);
    expect(await executor.update('nobody', 'TASK_RUNNING', foreign)).toBe(202);
    expect(await executor.update('one', 'TASK_RUNNING', second)).toBe(202);
    const acknowledged = await executor.received('ACKNOWLEDGED', 3);
    expect(acknowledged.map((event) => uuidText(event.acknowledged.uuid))).toEqual([first, first, second].map(uuidText));
    expect(states(agent)).toEqual({ one: ['TASK_STARTING', 'TASK_RUNNING'], nobody: ['TASK_RUNNING'] });
    expect(agent.tasks.get('one')?.updates[0]).toMatchObject({ acknowledged: true, deliveries: 2 });
    expect(agent.tasks.get('nobody')).toMatchObject({ launched: false });
  });
});

describe('re-subscription', () => {
  it('ends the older stream with a last chunk and sends only SUBSCRIBED on the newer one', async () => {
    const agent = await start();
    agent.launch(task('one'));
    const [older, newer] = [new ExecutorClient(agent), new ExecutorClient(agent)];
    await older.subscribe();
    await older.update('one', 'TASK_STARTING');
    await newer.subscribe({});
    expect(await older.ended).toBe('end');
    agent.kill('one');
    await newer.received('KILL');
    expect(newer.events.map((event) => event.type)).toEqual(['SUBSCRIBED', 'KILL']);
  });

  it('acknowledges unacknowledged updates straight after SUBSCRIBED and records what it had not seen', async () => {
    const agent = await start();
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await executor.update('one', 'TASK_STARTING');
    await executor.received('ACKNOWLEDGED');
    agent.disconnect();
    await executor.ended;
    const unacknowledged_updates = [{ status: executor.status('one', 'TASK_RUNNING') }];
    executor.events.length = 0;
    await executor.subscribe({ unacknowledged_updates });
    await executor.received('ACKNOWLEDGED');
    expect(executor.events.map((event) => event.type)).toEqual(['SUBSCRIBED', 'ACKNOWLEDGED']);
    expect(states(agent)).toEqual({ one: ['TASK_STARTING', 'TASK_RUNNING'] });
  });

  it('takes updates while nobody is subscribed, without acknowledging them', async () => {
    const agent = await start();
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    agent.disconnect();
    await agent.waitFor(() => !agent.subscribed);
    expect(await executor.update('one', 'TASK_STARTING')).toBe(202);
    expect(agent.tasks.get('one')?.updates[0]).toMatchObject({ state: 'TASK_STARTING', acknowledged: false });
  });

  it('drops a task that was sent but that the executor does not name, and keeps one that it names', async () => {
    const agent = await start();
    agent.launch(task('one'));
    agent.launch(task('two'));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await executor.received('LAUNCH', 2);
    agent.disconnect();
    await executor.ended;
    await executor.subscribe({ unacknowledged_tasks: [task('two')] });
    expect(states(agent)).toEqual({ one: ['TASK_DROPPED'], two: [] });
    expect(agent.tasks.get('one')?.updates[0]).toMatchObject({ from: 'agent' });
  });

  it('sends SHUTDOWN and no SUBSCRIBED when nothing is left of what the executor was started for', async () => {
    const agent = await start();
    agent.launch(task('one'));
    agent.kill('one');
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await executor.received('SHUTDOWN');
    expect(executor.events.map((event) => event.type)).toEqual(['SHUTDOWN']);
    expect(states(agent)).toEqual({ one: ['TASK_KILLED'] });
  });
});

describe('acknowledgements', () => {
  it('are held back and caught up on demand', async () => {
    const agent = await start({ acknowledge: false });
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await executor.update('one', 'TASK_STARTING');
    await executor.update('one', 'TASK_RUNNING');
    expect(agent.tasks.get('one')?.updates.map((update) => update.acknowledged)).toEqual([false, false]);
    agent.setAcknowledge(true);
    expect(await executor.received('ACKNOWLEDGED', 2)).toHaveLength(2);
    expect(executor.events.map((event) => event.type)).toEqual(['SUBSCRIBED', 'LAUNCH', 'ACKNOWLEDGED', 'ACKNOWLEDGED']);
  });
});

describe('the agent is killed and comes back', () => {
  it('refuses connections, then says 404 once, 503 while it recovers, 200, and 503 to updates for a while', async () => {
    const clock = new ManualClock();
    const agent = await start({ clock });
    const { port } = agent;
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await executor.update('one', 'TASK_RUNNING');
    await agent.stopListening();
    expect(await executor.ended).toBe('broken');
    await expect(executor.subscribe()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await agent.startListening({ recoveringMs: 1_000, updatesRefusedMs: 1_700 });
    expect(agent.port).toBe(port);
    expect(await executor.subscribe()).toBe(404);
    expect(await executor.subscribe()).toBe(503);
    clock.jump(1_000);
    expect(await executor.update('one', 'TASK_FINISHED')).toBe(403);
    expect(await executor.subscribe()).toBe(200);
    expect(await executor.update('one', 'TASK_FINISHED')).toBe(503);
    clock.jump(1_700);
    expect(await executor.update('one', 'TASK_FINISHED')).toBe(202);
    expect(states(agent)).toEqual({ one: ['TASK_RUNNING', 'TASK_FINISHED'] });
  });

  it('knows nobody any more when the framework does not checkpoint', async () => {
    const agent = await start({ checkpoint: false });
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await agent.stopListening();
    await agent.startListening({ notFound: 0 });
    expect(await executor.subscribe()).toBe(400);
  });

  it('tells who watches what happens to it', async () => {
    const clock = new ManualClock();
    const agent = await start({ clock });
    const said: string[] = [];
    agent.onConnection(({ what }) => said.push(what));
    const executor = new ExecutorClient(agent);
    await executor.subscribe();
    await agent.stopListening();
    await agent.startListening({ notFound: 0, recoveringMs: 500 });
    clock.jump(500);
    await executor.subscribe();
    expect(said).toEqual(['subscribed', 'down', 'recovering', 'recovered', 'subscribed']);
  });
});

describe('the wire', () => {
  it('has the raw answer between two records when a call comes on the connection of the events', async () => {
    const agent = await start();
    const executor = new ExecutorClient(agent);
    const { executorId, frameworkId } = agent.identity;
    const subscribe = JSON.stringify({ executor_id: { value: executorId }, framework_id: { value: frameworkId }, type: 'SUBSCRIBE', subscribe: {} });
    const head = (body: string | Uint8Array): string => `POST /api/v1/executor HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const beat = executor.encode({ type: 'HEARTBEAT' });
    const text = await dial(agent, [head(subscribe), subscribe, head(beat), beat], (so) => so.includes('202 Accepted'));
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Transfer-Encoding: chunked[^]*"SUBSCRIBED"[^]*\}\r\nHTTP\/1\.1 202 Accepted\r\nContent-Length: 0\r\n\r\n$/);
  });

  it('has one chunk for each record', async () => {
    const agent = await start({ heartbeatMs: 10 });
    const { executorId, frameworkId } = agent.identity;
    const subscribe = JSON.stringify({ executor_id: { value: executorId }, framework_id: { value: frameworkId }, type: 'SUBSCRIBE', subscribe: {} });
    const head = `POST /api/v1/executor HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\nContent-Length: ${subscribe.length}\r\n\r\n`;
    const text = await dial(agent, [head, subscribe], (so) => so.split('HEARTBEAT').length > 2);
    expect(text.split('\r\n\r\n')[1]).toMatch(/^[0-9a-f]+\r\n\d+\n\{.*"SUBSCRIBED".*\}\r\n14\r\n20\n\{"type":"HEARTBEAT"\}\r\n|^[0-9a-f]+\r\n\d+\n\{.*"SUBSCRIBED".*\}\r\n[0-9a-f]+\r\n20\n\{"type":"HEARTBEAT"\}\r\n/);
  });

  it('gives no 100 for Expect: 100-continue', async () => {
    const agent = await start();
    const beat = new ExecutorClient(agent).encode({ type: 'HEARTBEAT' });
    const head = `POST /api/v1/executor HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${beat.length}\r\n\r\n`;
    expect(await dial(agent, [head, beat], (so) => so.includes('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 202 /);
  });

  it('asks for the token, with a challenge', async () => {
    const agent = await start({ authenticationToken: 'let-me-in' });
    const body = new ExecutorClient(agent).encode({ type: 'HEARTBEAT' });
    const headers = { 'Content-Type': 'application/json' };
    const refused = await send(agent, { headers: { ...headers, Authorization: 'Bearer nonsense' }, body });
    expect(refused).toMatchObject({ status: 401, body: '401 Unauthorized.' });
    expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
    expect((await send(agent, { headers: { ...headers, Authorization: 'Bearer let-me-in' }, body })).status).toBe(202);
  });

  it('goes over a domain socket on the path of the agent only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'km-agent-'));
    try {
      const domainSocket = join(folder, 'agent.sock');
      const agent = await start({ domainSocket });
      const body = new ExecutorClient(agent).encode({ type: 'HEARTBEAT' });
      const headers = { 'Content-Type': 'application/json' };
      expect(await send(agent, { socketPath: domainSocket, headers, body })).toMatchObject({ status: 403, body: '403 Forbidden.' });
      expect((await send(agent, { socketPath: domainSocket, path: '/slave(1)/api/v1/executor', headers, body })).status).toBe(202);
      expect((await send(agent, { headers, body })).status).toBe(202);
      expect(agent.environment('/sandbox')).toMatchObject({ MESOS_DOMAIN_SOCKET: domainSocket });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the environment of an executor', () => {
  it('has what a real agent puts there', async () => {
    const agent = await start({ shutdownGracePeriodMs: 8_000, frameworkId: 'f', executorId: 'e', agentId: 'a' });
    expect(agent.environment('/sandbox')).toEqual({
      LIBPROCESS_IP: '127.0.0.1', LIBPROCESS_PORT: '0',
      MESOS_AGENT_ENDPOINT: `127.0.0.1:${agent.port}`, MESOS_SLAVE_PID: `slave(1)@127.0.0.1:${agent.port}`,
      MESOS_CHECKPOINT: '1', MESOS_RECOVERY_TIMEOUT: '15mins', MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs',
      MESOS_DIRECTORY: '/sandbox', MESOS_SANDBOX: '/sandbox', PWD: '/sandbox',
      MESOS_FRAMEWORK_ID: 'f', MESOS_EXECUTOR_ID: 'e', MESOS_SLAVE_ID: 'a', MESOS_HTTP_COMMAND_EXECUTOR: '1',
      MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '8secs', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
  });

  it('has no recovery settings without checkpointing', async () => {
    const environment = (await start({ checkpoint: false })).environment('/sandbox');
    expect(environment).toMatchObject({ MESOS_CHECKPOINT: '0' });
    expect(environment).not.toHaveProperty('MESOS_RECOVERY_TIMEOUT');
  });
});

describe('waitFor', () => {
  it('resolves with the event that makes it true, and times out by the clock', async () => {
    const clock = new ManualClock();
    const agent = await start({ clock });
    agent.launch(task('one'));
    const executor = new ExecutorClient(agent);
    const running = agent.waitFor(() => agent.tasks.get('one')?.latest === 'TASK_RUNNING', { deadlineMs: 1_000 });
    const never = agent.waitFor(() => false, { deadlineMs: 1_000, what: 'the impossible' });
    await executor.subscribe();
    await executor.update('one', 'TASK_RUNNING');
    await running;
    clock.jump(1_000);
    await expect(never).rejects.toMatchObject({ code: 'timeout', message: 'the impossible did not happen within 1000 ms' });
  });
});
