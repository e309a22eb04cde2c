import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AgentEmulator, ExecutorRun, readRecording } from '../../src/harness/index.ts';
import { KM, runKm } from '../support/run-km.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'km-record-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const POD = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'recorded', namespace: 'default', uid: '5f0c7a52-0000-4000-8000-00000000aaaa' }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'busybox', command: ['sleep', '600'] }] } };

/** `km record` between an executor and the agent; the port that it listens on and how to end it. */
async function record(agent: AgentEmulator, out: string): Promise<{ port: number; end: () => Promise<number | null> }> {
  const child = spawn(KM[0], [KM[1], 'record', '--listen=127.0.0.1:0', `--agent=${agent.endpoint}`, `--out=${out}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  for await (const line of createInterface(child.stderr)) {
    const port = /^listening on port (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { port: Number(port), end: async () => (child.kill('SIGINT'), (await exited)[0]) };
  }
  throw new Error('km record ended before it listened');
}

it.each(['json', 'protobuf'])('what km record takes down of a real executor, km replay agrees with (%s)', async (encoding) => {
  const out = join(folder, 'recording.jsonl');
  await using stack = new AsyncDisposableStack();
  const agent = await AgentEmulator.start();
  stack.defer(() => agent.close());
  const recorder = await record(agent, out);
  agent.launch({ name: 'recorded', task_id: { value: 'task-1' }, agent_id: { value: agent.identity.agentId }, data: Buffer.from(JSON.stringify(POD)) });
  const run = await ExecutorRun.launch({
    agent,
    sandbox: join(folder, 'sandbox'),
    command: [...KM, 'executor', `--root-dir=${join(folder, 'root')}`, `--pod-logs-dir=${join(folder, 'logs')}`, `--content-type=${encoding}`, '--offline-images'],
    environment: { MESOS_AGENT_ENDPOINT: `127.0.0.1:${recorder.port}`, ...(process.env.DOCKER_HOST === undefined ? {} : { DOCKER_HOST: process.env.DOCKER_HOST }) },
  });
  stack.defer(async () => void (await run.process.stop(5_000)));
  await agent.waitFor(() => agent.tasks.get('task-1')?.latest === 'TASK_RUNNING', { deadlineMs: 30_000 });
  agent.kill('task-1');
  await agent.waitFor(() => agent.tasks.get('task-1')?.terminal === true, { deadlineMs: 30_000 });
  expect(await run.shutdown()).toMatchObject({ code: 0 });
  expect(await recorder.end()).toBe(0);
  const { header } = readRecording(readFileSync(out, 'utf8'));
  expect(header.expect).toEqual({ 'task-1': ['TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLED'] });
  const { code, stdout } = await runKm(['replay', out, '--format=json']);
  expect(JSON.parse(stdout)).toMatchObject({ agrees: true, differences: [], contentType: encoding === 'json' ? 'application/json' : 'application/x-protobuf' });
  expect(code).toBe(0);
});
