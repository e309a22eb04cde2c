import { describe, expect, it } from 'vitest';
import { podOfTask } from '../../../src/executor/read-task.ts';
import { taskCheck } from '../../../src/executor/task-check.ts';
import type { CheckInfo } from '../../../src/mesos/index.ts';

const times = { delayMs: 15_000, intervalMs: 10_000, timeoutMs: 20_000 };

it('a health check beside a Pod is refused, not passed over', async () => {
  const task = { name: 't', task_id: { value: 't' }, agent_id: { value: 'a' }, data: new TextEncoder().encode(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } })) };
  await expect(podOfTask(task)).resolves.toMatchObject({ metadata: { name: 'p' } });
  await expect(podOfTask({ ...task, health_check: { type: 'TCP', tcp: { port: 80 } } })).rejects.toMatchObject({ code: 'invalid', message: expect.stringMatching(/^TaskInfo\.health_check: not with a Pod/) as string });
});

describe('a general check', () => {
  it.each<[string, CheckInfo, object]>([
    ['a shell command', { type: 'COMMAND', command: { command: { value: 'test -f /ok' } } }, { type: 'COMMAND', command: ['/bin/sh', '-c', 'test -f /ok'], ...times }],
    ['a program', { type: 'COMMAND', command: { command: { shell: false, value: '/check', arguments: ['-q'] } } }, { type: 'COMMAND', command: ['/check', '-q'], ...times }],
    ['HTTP', { type: 'HTTP', http: { port: 80, path: '/h?x' } }, { type: 'HTTP', port: 80, path: '/h?x', ...times }],
    ['HTTP without a path', { type: 'HTTP', http: { port: 80 } }, { type: 'HTTP', port: 80, path: '/', ...times }],
    ['TCP, with times of its own', { type: 'TCP', tcp: { port: 1 }, delay_seconds: 0, interval_seconds: 0.25, timeout_seconds: 1.5 }, { type: 'TCP', port: 1, delayMs: 0, intervalMs: 250, timeoutMs: 1500 }],
    ['without time limit', { type: 'TCP', tcp: { port: 1 }, timeout_seconds: 0 }, { type: 'TCP', port: 1, delayMs: 15_000, intervalMs: 10_000 }],
  ])('%s', (_name, info, expected) => {
    expect(taskCheck(info)).toEqual(expected);
  });

  it.each<[CheckInfo, string]>([
    [{}, 'check.type: none: want COMMAND, HTTP or TCP'],
    [{ type: 'UNKNOWN' }, 'check.type: UNKNOWN: want COMMAND, HTTP or TCP'],
    [{ type: 'COMMAND' }, 'check.command.command.value: required'],
    [{ type: 'COMMAND', command: { command: { value: 'x', environment: { variables: [{ name: 'A', value: 'b' }] } } } }, 'check.command.command.environment: not supported'],
    [{ type: 'HTTP' }, 'check.http: required; check.http.port: 0: want 1 to 65535'],
    [{ type: 'HTTP', http: { port: 1, path: 'h' } }, 'check.http.path: "h": must begin with /'],
    [{ type: 'TCP', tcp: { port: 70_000 } }, 'check.tcp.port: 70000: want 1 to 65535'],
    [{ type: 'TCP', tcp: { port: 1 }, delay_seconds: -1, interval_seconds: NaN }, 'check.delay_seconds: -1: must not be negative; check.interval_seconds: NaN: must not be negative'],
  ])('%j is refused', (info, message) => {
    expect(() => taskCheck(info)).toThrow(message);
  });
});
