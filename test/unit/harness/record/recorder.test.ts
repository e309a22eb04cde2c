import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomUuid } from '../../../../src/mesos/index.ts';
import { AgentEmulator, ExecutorRun, planReplay, readRecording, Recorder, runReplay, type Recording } from '../../../../src/harness/index.ts';
import { ExecutorClient, send, task, type Reachable } from '../agent/executor-client.ts';

const EXECUTOR = new URL('../../../support/scripted-executor.ts', import.meta.url).pathname;

let folder: string;
let out: string;
const open: { close(): Promise<unknown> }[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-record-'));
  out = join(folder, 'recording.jsonl');
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  rmSync(folder, { recursive: true });
});

async function recorderFor(port: number): Promise<Recorder> {
  const recorder = await Recorder.start({ listen: { host: '127.0.0.1', port: 0 }, agent: { host: '127.0.0.1', port }, out, title: 'a test' });
  open.push(recorder);
  return recorder;
}

async function agentBehind(options: Parameters<typeof AgentEmulator.start>[0] = {}): Promise<{ agent: AgentEmulator; recorder: Recorder; through: Reachable }> {
  const agent = await AgentEmulator.start(options);
  open.push(agent);
  const recorder = await recorderFor(agent.port);
  return { agent, recorder, through: { port: recorder.port ?? 0, identity: agent.identity } };
}

const kinds = ({ entries }: Recording): string[] =>
  entries.flatMap((entry) => {
    switch (entry.kind) {
      case 'call': return [`call ${entry.call?.type ?? 'invalid'}`];
      case 'event': return [`event ${entry.event.type}`];
      case 'answer': return [`${entry.status} ${entry.body}`.trim()];
      case 'end': return ['end'];
      case 'connection': return [];
    }
  });

describe.each(['application/json', 'application/x-protobuf'] as const)('a conversation in %s', (contentType) => {
  it('is written down as the replay reads it, with what the header has to say', async () => {
    const { agent, recorder, through } = await agentBehind({ shutdownGracePeriodMs: 5_000, frameworkId: 'f', executorId: 'e', agentId: 'a' });
    const client = new ExecutorClient(through, contentType);
    agent.launch(task('one'));
    await client.subscribe();
    await client.received('LAUNCH');
    await client.update('one', 'TASK_RUNNING');
    await client.update('one', 'TASK_KILLING');
    await client.update('one', 'TASK_KILLED');
    await client.received('ACKNOWLEDGED', 3);
    await client.call({ type: 'MESSAGE', message: { data: Buffer.from('hi') } });
    const recording = await recorder.close();
    expect(recording).toEqual(readRecording(readFileSync(out, 'utf8')));
    expect(recording.header).toMatchObject({
      title: 'a test', contentType, expect: { one: ['TASK_RUNNING', 'TASK_KILLED'] },
      environment: { MESOS_FRAMEWORK_ID: 'f', MESOS_EXECUTOR_ID: 'e', MESOS_SLAVE_ID: 'a', MESOS_CHECKPOINT: '1', MESOS_AGENT_ENDPOINT: `127.0.0.1:${agent.port}` },
    });
    expect(kinds(recording).filter((kind) => !kind.includes('ACKNOWLEDGED'))).toEqual([
      'call SUBSCRIBE', '200', 'event SUBSCRIBED', 'event LAUNCH', 'call UPDATE', '202', 'call UPDATE', '202', 'call UPDATE', '202', 'call MESSAGE', '202',
    ]);
    expect(kinds(recording).filter((kind) => kind.includes('ACKNOWLEDGED'))).toHaveLength(3);
    expect(planReplay(recording).steps.map((step) => step.kind)).toEqual(['event']);
    const lines = readFileSync(out, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.some((line) => typeof line.base64 === 'string')).toBe(contentType === 'application/x-protobuf');
  });
});

describe('the file', () => {
  it('is readable by its owner only and holds no token, in whatever request it came', async () => {
    const { recorder, through } = await agentBehind({ authenticationToken: 'sesame-open' });
    const headers = { 'Content-Type': 'application/json', Authorization: 'Bearer sesame-open' };
    await send(through, { headers, body: new ExecutorClient(through).encode({ type: 'HEARTBEAT' }) });
    await send(through, { headers, body: 'no json at all' });
    const { header } = await recorder.close();
    expect(readFileSync(out, 'utf8')).not.toContain('sesame');
    expect(readFileSync(out, 'utf8')).toContain(Buffer.from('no json at all').toString('base64'));
    expect(header.environment.MESOS_EXECUTOR_AUTHENTICATION_TOKEN).toBe('[removed]');
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  it('can be read while it is being written, and without its torn last line', async () => {
    const { agent, through } = await agentBehind();
    const client = new ExecutorClient(through);
    agent.launch(task('one'));
    await client.subscribe();
    await client.update('one', 'TASK_RUNNING');
    await client.received('ACKNOWLEDGED');
    const text = readFileSync(out, 'utf8');
    const recording = readRecording(text.slice(0, -7));
    expect(recording.header).toMatchObject({ title: 'a test', contentType: 'application/json', expect: { one: ['TASK_RUNNING'] } });
    expect(recording.entries).toHaveLength(text.trim().split('\n').length - 2);
  });

  it('is never written over', async () => {
    writeFileSync(out, 'precious');
    await expect(recorderFor(1)).rejects.toMatchObject({ code: 'invalid' });
    expect(readFileSync(out, 'utf8')).toBe('precious');
  });
});

describe('the bytes between the two', () => {
  it('are the same on both sides, also where they are no HTTP', async () => {
    const { port, received } = await echo((socket, chunk) => socket.write(chunk));
    const recorder = await recorderFor(port);
    const bytes = Buffer.concat(Array.from({ length: 64 }, () => Buffer.from(randomUuid())));
    expect(await roundTrip(recorder.port ?? 0, bytes)).toEqual(bytes);
    expect(Buffer.concat(received)).toEqual(bytes);
  });

  it('wait for the slower side', async () => {
    let agentSide: Socket | undefined;
    const { port } = await echo((socket) => {
      agentSide = socket;
      socket.pause();
    });
    const recorder = await recorderFor(port);
    const socket = connect(recorder.port ?? 0, '127.0.0.1');
    const bytes = Buffer.alloc(64 * 1024 * 1024);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(`POST / HTTP/1.1\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes);
    await expect.poll(() => agentSide?.isPaused()).toBe(true);
    const before = process.memoryUsage().arrayBuffers;
    expect(socket.writableLength).toBeGreaterThan(bytes.length / 2);
    expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + bytes.length / 2);
    socket.destroy();
  });

  it('end for the other side where one side ends', async () => {
    const { port } = await echo((socket) => socket.end('bye'));
    const recorder = await recorderFor(port);
    const socket = connect({ host: '127.0.0.1', port: recorder.port ?? 0, allowHalfOpen: true });
    const text = await new Promise<string>((resolve) => {
      let so = '';
      socket.on('data', (chunk: Buffer) => (so += chunk.toString())).on('end', () => resolve(so));
      socket.write('x');
    });
    expect(text).toBe('bye');
    socket.end();
  });
});

describe('an agent that does what agents do', () => {
  it('is recorded with its restart, as a replay needs it', async () => {
    const { agent, recorder, through } = await agentBehind();
    const client = new ExecutorClient(through);
    agent.launch(task('one'));
    await client.subscribe();
    await client.update('one', 'TASK_RUNNING');
    await agent.stopListening();
    await client.ended;
    await client.subscribe().catch(() => undefined);
    await agent.startListening();
    expect(await client.subscribe()).toBe(404);
    expect(await client.subscribe()).toBe(200);
    agent.kill('one');
    await client.received('KILL');
    const steps = planReplay(await recorder.close()).steps;
    expect(steps.map((step) => step.kind)).toEqual(['event', 'down', 'up', 'event']);
    expect(steps[2]).toMatchObject({ restart: { notFound: 1, recoveringMs: 0, updatesRefusedMs: 0 } });
  });

  it('that answers into its event stream is recorded with both', async () => {
    const { agent, recorder, through } = await agentBehind();
    const { executorId, frameworkId } = through.identity;
    const subscribe = JSON.stringify({ executor_id: { value: executorId }, framework_id: { value: frameworkId }, type: 'SUBSCRIBE', subscribe: {} });
    const beat = Buffer.from(new ExecutorClient(through).encode({ type: 'HEARTBEAT' })).toString();
    const head = (body: string): string => `POST /api/v1/executor HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const socket = connect(recorder.port ?? 0, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(head(subscribe) + head(beat));
    await expect.poll(() => text).toContain('202 Accepted');
    agent.shutdown();
    await expect.poll(() => text).toContain('SHUTDOWN');
    socket.destroy();
    expect(kinds(await recorder.close())).toEqual(['call SUBSCRIBE', 'call HEARTBEAT', '200', 'event SUBSCRIBED', '202', 'event SHUTDOWN']);
  });
});

describe('a recording of a whole life', () => {
  it.each(['json', 'protobuf'])('agrees when it is replayed (%s)', async (encoding) => {
    const { agent, recorder } = await agentBehind({ shutdownGracePeriodMs: 5_000 });
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'uid-1' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
    agent.launch({ ...task('one'), data: Buffer.from(JSON.stringify(pod)) });
    const run = await ExecutorRun.launch({
      agent, sandbox: join(folder, 'sandbox'), command: [process.execPath, EXECUTOR, `--content-type=${encoding}`],
      environment: { MESOS_AGENT_ENDPOINT: `127.0.0.1:${recorder.port ?? 0}` },
    });
    await agent.waitFor(() => agent.tasks.get('one')?.latest === 'TASK_RUNNING');
    agent.kill('one');
    await agent.waitFor(() => agent.tasks.get('one')?.terminal === true);
    expect(await run.shutdown()).toMatchObject({ code: 0 });
    const recording = await recorder.close();
    expect(recording.header.expect).toEqual({ one: ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED'] });
    const report = await runReplay({
      recording, timeoutMs: 10_000, kubernetes: false, keep: false, executor: [process.execPath, EXECUTOR], executorArguments: [], environment: {},
      containers: { list: async () => [], remove: async () => undefined },
    });
    expect(report).toMatchObject({ agrees: true, differences: [], contentType: encoding === 'json' ? 'application/json' : 'application/x-protobuf' });
  });
});

async function echo(onData: (socket: Socket, chunk: Buffer) => void): Promise<{ port: number; received: Buffer[] }> {
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => {
      received.push(chunk);
      onData(socket, chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => {
    for (const socket of sockets) socket.destroy();
    server.close(resolve);
  }) });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, received };
}

function roundTrip(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let back = Buffer.alloc(0);
    socket.on('error', reject).on('data', (chunk: Buffer) => {
      back = Buffer.concat([back, chunk]);
      if (back.length < bytes.length) return;
      socket.destroy();
      resolve(back);
    });
    socket.write(bytes);
  });
}
