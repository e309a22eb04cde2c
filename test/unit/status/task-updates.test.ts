import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PodStatus, ValidPod } from '../../../src/pod/index.ts';
import { emptyCheckStatus, type KillCause, type PodReport, progressAfter, type TaskProgress, taskUpdates } from '../../../src/status/index.ts';

const pod = { metadata: { name: 'web', namespace: 'default', uid: 'u-1' }, spec: { containers: [{ name: 'a' }] } } as unknown as ValidPod;
const running = { running: { startedAt: '2026-01-02T03:04:05Z' } };
const ended = (exitCode: number, reason: string): object => ({ terminated: { exitCode, reason, startedAt: '2026-01-02T03:04:05Z', finishedAt: '2026-01-02T03:04:06Z' } });

function status(phase: string, state: object, ready = false): PodStatus {
  return {
    phase,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    podIPs: [{ ip: '10.0.0.7' }],
    containerStatuses: [{ name: 'a', image: 'i', imageID: '', ready, restartCount: 0, state, lastState: {} }],
  };
}

const kill: KillCause = { kind: 'mesos-kill', message: 'killed by the framework' };

function report(change: Partial<PodReport>): PodReport {
  return { taskId: 't', pod, status: status('Pending', { waiting: { reason: 'ContainerCreating' } }), stage: 'syncing', deleted: false, succeededBeforeKill: false, ...change };
}

function states(progress: TaskProgress, change: Partial<PodReport>, killing = true): string[] {
  return taskUpdates(progress, report(change), killing).updates.map(({ state, reason }) => (reason === undefined ? state : `${state} ${reason}`));
}

const starting: TaskProgress = { state: 'starting' };
const live: TaskProgress = { state: 'running', healthy: true };

describe('progressAfter', () => {
  it.each<[TaskProgress['state'], readonly string[], TaskProgress['state']]>([
    ['starting', [], 'starting'],
    ['starting', ['TASK_STARTING'], 'starting'],
    ['starting', ['TASK_STARTING', 'TASK_RUNNING'], 'running'],
    ['running', ['TASK_RUNNING', 'TASK_KILLING'], 'killing'],
    ['killing', ['TASK_RUNNING'], 'killing'],
    ['starting', ['TASK_FAILED'], 'ended'],
    ['killing', ['TASK_KILLED'], 'ended'],
    ['ended', ['TASK_STARTING'], 'ended'],
  ])('%s, and said were %j: %s', (state, said, reached) => {
    expect(progressAfter({ state }, said.map((one) => ({ state: one })))).toEqual({ state: reached });
  });

  it('knows the health and the check that were said last', () => {
    const check = { type: 'TCP', tcp: { succeeded: true } } as const;
    const said = [{ state: 'TASK_RUNNING', healthy: true }, { state: 'TASK_RUNNING', healthy: false, check }, { state: 'TASK_KILLING' }];
    expect(progressAfter({ state: 'running', healthy: true }, said)).toEqual({ state: 'killing', healthy: false, check });
    expect(progressAfter({ state: 'running', healthy: true, check }, [{ state: 'TASK_KILLING' }])).toEqual({ state: 'killing', healthy: true, check });
  });
});

describe('taskUpdates', () => {
  it.each<[string, TaskProgress, Partial<PodReport>, string[]]>([
    ['a pending pod says nothing new', starting, {}, []],
    ['a running pod is TASK_RUNNING', starting, { status: status('Running', running, true) }, ['TASK_RUNNING']],
    ['the same again says nothing', live, { status: status('Running', running, true) }, []],
    ['another readiness is a health update', live, { status: status('Running', running, false) }, ['TASK_RUNNING REASON_TASK_HEALTH_CHECK_STATUS_UPDATED']],
    ['a general check that has a result', { ...live, check: emptyCheckStatus('TCP') }, { status: status('Running', running, true), check: { type: 'TCP', tcp: { succeeded: true } } }, ['TASK_RUNNING REASON_TASK_CHECK_STATUS_UPDATED']],
    ['the same result again', { ...live, check: { type: 'HTTP', http: { status_code: 200 } } }, { status: status('Running', running, true), check: { type: 'HTTP', http: { status_code: 200 } } }, []],
    ['a check and the health at once', { ...live, check: emptyCheckStatus('TCP') }, { status: status('Running', running, false), check: { type: 'TCP', tcp: { succeeded: false } } }, ['TASK_RUNNING REASON_TASK_HEALTH_CHECK_STATUS_UPDATED', 'TASK_RUNNING REASON_TASK_CHECK_STATUS_UPDATED']],
    ['a result under a kill is not told', { state: 'killing', check: emptyCheckStatus('TCP') }, { stage: 'terminating', cause: kill, status: status('Running', running, true), check: { type: 'TCP', tcp: { succeeded: true } } }, []],
    ['success after running', live, { status: status('Succeeded', ended(0, 'Completed')) }, ['TASK_FINISHED']],
    ['a pod that ran too short to be seen running', starting, { status: status('Succeeded', ended(0, 'Completed')) }, ['TASK_RUNNING', 'TASK_FINISHED']],
    ['a failure that nobody saw running', starting, { status: status('Failed', ended(3, 'Error')) }, ['TASK_RUNNING', 'TASK_FAILED']],
    ['a container that never started has not run', starting, { status: status('Failed', { terminated: { exitCode: 128, reason: 'ContainerCannotRun' } }) }, ['TASK_FAILED REASON_CONTAINER_LAUNCH_FAILED']],
    ['a kill begins', live, { stage: 'terminating', cause: kill, status: status('Running', running, true) }, ['TASK_KILLING']],
    ['readiness lost under a kill is not told', { state: 'killing', healthy: true }, { stage: 'terminating', cause: kill, status: status('Running', running, false) }, []],
    ['containers that end under a kill are no end of the task', { state: 'killing' }, { stage: 'terminating', cause: kill, status: status('Failed', ended(143, 'Error')) }, []],
    ['all gone after a kill', { state: 'killing' }, { stage: 'terminated', cause: kill, status: status('Failed', ended(143, 'Error')) }, ['TASK_KILLED']],
    ['nothing runs any more, though files stay', { state: 'killing' }, { stage: 'stopped', cause: kill, status: status('Failed', ended(143, 'Error')) }, ['TASK_KILLED']],
    ['killed before it ran', starting, { stage: 'terminated', cause: kill }, ['TASK_KILLED']],
    ['finished before the first signal', live, { stage: 'terminated', cause: kill, succeededBeforeKill: true, status: status('Succeeded', ended(0, 'Completed')) }, ['TASK_FINISHED']],
    ['deadline', live, { stage: 'terminated', cause: { kind: 'deadline', message: 'too long' } }, ['TASK_FAILED REASON_COMMAND_EXECUTOR_FAILED']],
    ['launch timeout', starting, { stage: 'terminated', cause: { kind: 'launch-timeout', message: 'too slow' } }, ['TASK_FAILED REASON_CONTAINER_LAUNCH_FAILED']],
    ['too much of the disk', live, { stage: 'terminated', cause: { kind: 'evicted', message: 'too much' } }, ['TASK_FAILED REASON_CONTAINER_LIMITATION_DISK']],
    ['max completion time', live, { stage: 'terminated', cause: { kind: 'max-completion-time', message: 'over' } }, ['TASK_FAILED REASON_MAX_COMPLETION_TIME_REACHED']],
    ['a health check that has failed too often, whatever the exit code', { state: 'killing' }, { stage: 'terminated', cause: { kind: 'health-check', message: 'unhealthy' }, status: status('Succeeded', ended(0, 'Completed')) }, ['TASK_KILLED']],
    ['the machine was booted', live, { stage: 'terminated', cause: { kind: 'reboot', message: 'booted' } }, ['TASK_FAILED REASON_EXECUTOR_TERMINATED']],
    ['nothing after the end', { state: 'ended' }, { stage: 'terminated', cause: kill }, []],
  ])('%s', (_name, progress, change, expected) => {
    expect(states(progress, change)).toEqual(expected);
  });

  it('tells what the general check says with every TASK_RUNNING, and with nothing else', () => {
    const check = { type: 'COMMAND', command: { exit_code: 3 } } as const;
    const told = (progress: TaskProgress, change: Partial<PodReport>) => taskUpdates(progress, report({ ...change, check }), true).updates.map((update) => [update.state, update.check]);
    expect(told(starting, { status: status('Failed', ended(1, 'Error')) })).toEqual([['TASK_RUNNING', check], ['TASK_FAILED', undefined]]);
    expect(told({ ...live, check }, { status: status('Running', running, false) })).toEqual([['TASK_RUNNING', check]]);
  });

  it('says of a task that its health check has ended that it was not healthy', () => {
    const change = { stage: 'terminated', cause: { kind: 'health-check', message: 'unhealthy' } } as const;
    expect(taskUpdates(live, report(change), true).updates).toMatchObject([{ state: 'TASK_KILLED', healthy: false, message: 'unhealthy' }]);
  });

  it('leaves TASK_KILLING out for a framework that does not know it', () => {
    expect(states(live, { stage: 'terminating', cause: kill, status: status('Running', running, true) }, false)).toEqual([]);
  });

  it('tells health, addresses and the whole status with TASK_RUNNING', () => {
    const [update] = taskUpdates(starting, report({ status: status('Running', running, true) }), true).updates;
    expect(update).toMatchObject({ healthy: true, ips: ['10.0.0.7'] });
    expect(JSON.parse(update?.data ?? '')).toMatchObject({ phase: 'Running' });
  });

  it('ends a task once, with nothing behind the end and no TASK_RUNNING after the kill, whatever is seen', () => {
    const seen = fc.record({
      status: fc.constantFrom(status('Pending', {}), status('Running', running, true), status('Running', running), status('Succeeded', ended(0, 'Completed')), status('Failed', ended(1, 'Error'))),
      stage: fc.constantFrom('syncing' as const, 'terminating' as const, 'stopped' as const, 'terminated' as const),
      succeededBeforeKill: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 12 }), (reports) => {
        let progress: TaskProgress = starting;
        const told: string[] = [];
        for (const change of reports) {
          const next = taskUpdates(progress, report({ ...change, ...(change.stage === 'syncing' ? {} : { cause: kill }) }), true);
          progress = next.progress;
          told.push(...next.updates.map(({ state }) => state));
        }
        const end = told.findIndex((state) => ['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED'].includes(state));
        expect(end === -1 || end === told.length - 1).toBe(true);
        const killing = told.indexOf('TASK_KILLING');
        if (killing >= 0) expect(told.slice(killing)).not.toContain('TASK_RUNNING');
      }),
    );
  });
});
