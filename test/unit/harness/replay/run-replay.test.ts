import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../../src/base/index.ts';
import { planReplay, readRecording, runReplay, type ReplayOptions, type TimelineEntry } from '../../../../src/harness/index.ts';

const FOLDER = new URL('../../../recordings/pods/', import.meta.url);
const EXECUTOR = new URL('../../../support/scripted-executor.ts', import.meta.url).pathname;

/** Time that runs `factor` times as fast: recordings hold seconds of waiting. */
function fastClock(factor: number): Clock {
  const start = Date.now();
  const now = (): number => start + (Date.now() - start) * factor;
  return { now, elapsed: now, after: (ms, fn) => systemClock.after(ms / factor, fn) };
}

function options(file: string, how: readonly string[] = [], more: Partial<ReplayOptions> = {}): ReplayOptions {
  return {
    recording: readRecording(readFileSync(new URL(file, FOLDER), 'utf8')),
    timeoutMs: 60_000,
    kubernetes: false,
    keep: false,
    executor: [process.execPath, EXECUTOR],
    executorArguments: how,
    environment: {},
    containers: { list: async () => [], remove: async () => undefined },
    clock: fastClock(5),
    ...more,
  };
}

describe.concurrent('an executor that answers right agrees with', () => {
  it.each(readdirSync(FOLDER).filter((file) => file.endsWith('.jsonl')))('%s', async (file) => {
    const report = await runReplay(options(file));
    expect(report.differences).toEqual([]);
    expect(report).toMatchObject({ agrees: true, executor: { exitCode: 0 } });
  });

  it('a recording replayed in the other encoding', async () => {
    expect(await runReplay(options('01-nginx-kill.jsonl', [], { contentType: 'application/json' }))).toMatchObject({ agrees: true, contentType: 'application/json' });
    expect(await runReplay(options('02-nginx-kill-json.jsonl', [], { contentType: 'application/x-protobuf' }))).toMatchObject({ agrees: true, contentType: 'application/x-protobuf' });
  });
});

describe.concurrent('an executor that answers wrongly differs', () => {
  it.each([
    ['silent', '01-nginx-kill.jsonl', { timeoutMs: 20_000 }, [
      'the executor did not report TASK_RUNNING of task-1 within 20 s, so KILL (line 16) was never played',
      'task-1: expected TASK_STARTING TASK_RUNNING TASK_KILLED, got TASK_STARTING TASK_FAILED (by the agent, REASON_EXECUTOR_TERMINATED, Executor exited with status 0)',
    ]],
    ['wrong-end', '01-nginx-kill.jsonl', {}, ['task-1: expected TASK_STARTING TASK_RUNNING TASK_KILLED, got TASK_STARTING TASK_RUNNING TASK_FAILED (killed as told)']],
    ['two-ends', '01-nginx-kill.jsonl', {}, [
      'task-1: expected TASK_STARTING TASK_RUNNING TASK_KILLED, got TASK_STARTING TASK_RUNNING TASK_KILLED TASK_FINISHED',
      'task-1: a second end, TASK_FINISHED, after TASK_KILLED',
    ]],
    ['mute', '12-message.jsonl', {}, ["expected 1 answers to the scheduler's messages, got 0"]],
    ['hang', '01-nginx-kill.jsonl', {}, ['the executor did not exit within its grace of 5000 ms']],
    ['exit-1', '01-nginx-kill.jsonl', {}, ['the executor exited with 1 where 0 was expected']],
    ['crash', '16-bad-bytes.jsonl', {}, [
      'the executor ended (exited with 7) before the agent told it to shut down',
      'task-1: expected TASK_ERROR, got TASK_FAILED (by the agent, REASON_EXECUTOR_TERMINATED, Executor exited with status 7)',
    ]],
  ] as const)('%s: %s', async (how, file, more, differences) => {
    const report = await runReplay(options(file, [`misbehave=${how}`], more));
    expect(report.differences).toEqual(differences);
    expect(report.agrees).toBe(false);
  });

  it('when containers of its are left, which are removed', async () => {
    const removed: string[] = [];
    const containers = { list: async () => ['k8s_nginx'], remove: async ({ executorId }: { executorId: string }) => void removed.push(executorId) };
    const report = await runReplay(options('16-bad-bytes.jsonl', [], { containers }));
    expect(report.differences).toEqual(['container k8s_nginx is left in Docker']);
    expect(removed).toEqual(['exec-1']);
  });
});

describe.concurrent('the timeline', () => {
  it('comes line by line, in the order in which things happen', async () => {
    const entries: TimelineEntry[] = [];
    const report = await runReplay(options('01-nginx-kill.jsonl', [], { onEntry: (entry) => entries.push(entry) }));
    expect(entries).toEqual(report.timeline);
    expect(entries.filter(({ tone }) => tone === 'plain').map(({ lane, text }) => `${lane}: ${text}`)).toEqual([
      'executor: SUBSCRIBE',
      'agent: SUBSCRIBED exec-1',
      expect.stringMatching(/^agent: LAUNCH task-1/),
      'executor: task-1 TASK_STARTING',
      'executor: task-1 TASK_RUNNING',
      'agent: KILL task-1',
      'executor: task-1 TASK_KILLING',
      'executor: task-1 TASK_KILLED: killed as told',
      'agent: SHUTDOWN',
      'executor: exited with 0',
    ]);
    const at = (text: string): number => entries.find((entry) => entry.text === text)?.atMs ?? Number.NaN;
    // Both times are rounded to the millisecond.
    expect(at('KILL task-1') - at('task-1 TASK_RUNNING')).toBeGreaterThanOrEqual(3_731 - 1);
  });

  it('shows the agent going away and coming back', async () => {
    const report = await runReplay(options('13-agent-killed-and-back.jsonl'));
    const texts = report.timeline.map(({ text }) => text);
    expect(texts.slice(texts.indexOf('agent killed, connections refused'))).toEqual(expect.arrayContaining(['agent is back', 'SUBSCRIBE', 'SUBSCRIBED exec-1', 'KILL task-1']));
  });
});

describe('what a replay leaves', () => {
  it('is nothing when it is interrupted', async () => {
    const interrupted = new AbortController();
    const entries: TimelineEntry[] = [];
    const running = runReplay(options('01-nginx-kill.jsonl', [], {
      signal: interrupted.signal,
      onEntry: (entry) => {
        entries.push(entry);
        if (entry.text === 'task-1 TASK_RUNNING') interrupted.abort();
      },
    }));
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect(entries.at(-1)?.text).toMatch(/exited with 0/);
  });

  it('is the directory when it is told to keep it', async () => {
    const { directory } = await runReplay(options('16-bad-bytes.jsonl', [], { keep: true }));
    expect(existsSync(directory ?? '')).toBe(true);
    (await import('node:fs')).rmSync(directory ?? '', { recursive: true });
  });

  it('is an error when there is nothing to replay', () => {
    const empty = readRecording('{"format":"km-recording/1","title":"","agent":"","environment":{},"expect":{}}\n');
    expect(() => planReplay(empty)).toThrow(/no SUBSCRIBED/);
  });
});
