import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentEmulator, ExecutorProcess, ExecutorRun } from '../../../../src/harness/index.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { ExecutorClient, task } from './executor-client.ts';

let sandbox: string;
let agent: AgentEmulator;
let clock: ManualClock;
const runs: ExecutorRun[] = [];

beforeEach(async () => {
  sandbox = mkdtempSync(join(tmpdir(), 'km-sandbox-'));
  clock = new ManualClock();
  agent = await AgentEmulator.start({ clock, shutdownGracePeriodMs: 3_000 });
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.process.destroy();
  await agent.close();
  rmSync(sandbox, { recursive: true });
});

async function launch(script: string, output: string[] = []): Promise<ExecutorRun> {
  const run = await ExecutorRun.launch({
    agent, clock, sandbox, command: ['/bin/sh', '-c', script], environment: { GREETING: 'hello' }, stdout: (chunk) => output.push(String(chunk)),
  });
  runs.push(run);
  return run;
}

describe('an executor under the agent', () => {
  it('runs in its sandbox with the environment of the agent and of its command, and nothing else', async () => {
    process.env.KM_TEST_LEAK = 'leaked';
    const output: string[] = [];
    await (await launch('pwd; echo "$GREETING $MESOS_EXECUTOR_ID [$KM_TEST_LEAK]"', output)).ended;
    delete process.env.KM_TEST_LEAK;
    await expect.poll(() => output.join('')).toBe(`${sandbox}\nhello executor-1 []\n`);
  });

  it('fails its live tasks when it ends with code 0, and leaves ended ones alone', async () => {
    agent.launch(task('live'));
    agent.launch(task('done'));
    const client = new ExecutorClient(agent);
    await client.subscribe();
    await client.update('live', 'TASK_RUNNING');
    await client.update('done', 'TASK_FINISHED');
    const run = await launch('exit 0');
    expect(await run.ended).toEqual({ code: 0, signal: null });
    expect(agent.tasks.get('live')?.updates.at(-1)).toMatchObject({ state: 'TASK_FAILED', from: 'agent', status: { reason: 'REASON_EXECUTOR_TERMINATED', message: 'Executor exited with status 0' } });
    expect(agent.tasks.get('done')?.states).toEqual(['TASK_FINISHED']);
  });

  it('is killed when it has not subscribed within the registration timeout', async () => {
    agent.launch(task('one'));
    const run = await launch('exec sleep 60');
    clock.jump(60_000);
    expect(await run.ended).toEqual({ code: null, signal: 'SIGKILL', destroyedBy: 'registration-timeout' });
    expect(agent.tasks.get('one')?.updates.at(-1)).toMatchObject({ state: 'TASK_FAILED', status: { reason: 'REASON_EXECUTOR_REGISTRATION_TIMEOUT' } });
  });

  it('is killed at the end of the grace that SHUTDOWN gives it, with everything it started', async () => {
    const output: string[] = [];
    const run = await launch('sleep 60 & echo $!; wait', output);
    await new ExecutorClient(agent).subscribe();
    await expect.poll(() => output.join('')).not.toBe('');
    const ended = run.shutdown();
    clock.jump(3_000);
    expect(await ended).toEqual({ code: null, signal: 'SIGKILL', destroyedBy: 'shutdown-grace' });
    await expect.poll(() => isAlive(Number(output.join('')))).toBe(false);
  });

  it('is killed when the agent was back and it did not come', async () => {
    const run = await launch('exec sleep 60');
    await new ExecutorClient(agent).subscribe();
    await agent.stopListening();
    clock.jump(120_000);
    await agent.startListening();
    clock.jump(0);
    clock.jump(2_000);
    expect(await run.ended).toMatchObject({ destroyedBy: 'reregistration-timeout' });
  });

  it('is left alone when it comes back in time', async () => {
    const run = await launch('exec sleep 60');
    const client = new ExecutorClient(agent);
    await client.subscribe();
    await agent.stopListening();
    await agent.startListening({ notFound: 0 });
    clock.jump(0);
    await client.subscribe();
    clock.jump(120_000);
    expect(run.process.exit).toBeUndefined();
  });
});

describe('a process', () => {
  it('is asked to end by SIGTERM first', async () => {
    const output: string[] = [];
    const child = await ExecutorProcess.spawn({
      command: ['/bin/sh', '-c', 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'], environment: { PATH: process.env.PATH ?? '' }, sandbox, stdout: (chunk) => output.push(String(chunk)),
    });
    await expect.poll(() => output.join('')).toBe('ready\n');
    expect(await child.stop(10_000)).toEqual({ code: 3, signal: null });
  });

  it('that cannot be started is the fault of its command', async () => {
    await expect(ExecutorProcess.spawn({ command: ['/no/such/program'], environment: {}, sandbox })).rejects.toMatchObject({ code: 'invalid' });
  });
});

/** A zombie counts as dead: in a container nobody may reap it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !/^State:\s+Z/m.test(readStatus(pid));
}

function readStatus(pid: number): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return 'State: Z';
  }
}
