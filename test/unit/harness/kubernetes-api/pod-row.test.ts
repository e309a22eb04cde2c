import { describe, expect, test } from 'vitest';
import { humanDuration } from '../../../../src/harness/kubernetes-api/tables/age.ts';
import { podCells } from '../../../../src/harness/kubernetes-api/tables/pod-row.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const running = (more: object = {}): object => ({ name: 'web', ready: true, restartCount: 0, state: { running: {} }, lastState: {}, ...more });
const waiting = (reason: string, more: object = {}): object => ({ name: 'web', ready: false, restartCount: 0, state: { waiting: { reason } }, lastState: {}, ...more });
const ended = (exitCode: number, reason?: string, more: object = {}): object => ({ name: 'web', ready: false, restartCount: 0, state: { terminated: { exitCode, ...(reason === undefined ? {} : { reason }), ...more } }, lastState: {} });
const before = (finishedAt: string): object => ({ lastState: { terminated: { exitCode: 1, finishedAt } } });

interface Given {
  phase?: string;
  reason?: string;
  containers?: object[];
  inits?: object[];
  initSpecs?: object[];
  conditions?: object[];
  deleting?: boolean;
}

function cellsOf({ phase = 'Running', reason, containers = [running()], inits = [], initSpecs = inits, conditions = [], deleting = false }: Given): unknown[] {
  return podCells(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z', ...(deleting ? { deletionTimestamp: '2026-01-01T00:59:00Z' } : {}) },
      spec: { containers: containers.map(() => ({ name: 'web' })), initContainers: initSpecs },
      status: { phase, ...(reason === undefined ? {} : { reason }), containerStatuses: containers, initContainerStatuses: inits, conditions },
    },
    NOW,
  );
}

describe('the row of a pod shows', () => {
  test.each<[string, Given, [ready: string, status: string, restarts: string]]>([
    ['a running pod', {}, ['1/1', 'Running', '0']],
    ['one that nobody runs yet', { phase: 'Pending', containers: [] }, ['0/0', 'Pending', '0']],
    ['containers being created', { phase: 'Pending', containers: [waiting('ContainerCreating')] }, ['0/1', 'ContainerCreating', '0']],
    ['an image that cannot be pulled', { phase: 'Pending', containers: [waiting('ImagePullBackOff')] }, ['0/1', 'ImagePullBackOff', '0']],
    ['a crash loop, and when it last crashed', { containers: [waiting('CrashLoopBackOff', { restartCount: 3, ...before('2026-01-01T00:59:55Z') })] }, ['0/1', 'CrashLoopBackOff', '3 (5s ago)']],
    ['a pod that has ended well', { phase: 'Succeeded', containers: [ended(0, 'Completed')] }, ['0/1', 'Completed', '0']],
    ['a pod that has failed', { phase: 'Failed', containers: [ended(1, 'Error')] }, ['0/1', 'Error', '0']],
    ['an exit without a reason', { phase: 'Failed', containers: [ended(3)] }, ['0/1', 'ExitCode:3', '0']],
    ['a signal without a reason', { phase: 'Failed', containers: [ended(137, undefined, { signal: 9 })] }, ['0/1', 'Signal:9', '0']],
    ['an evicted pod', { phase: 'Failed', reason: 'Evicted', containers: [] }, ['0/0', 'Evicted', '0']],
    ['a container that is not ready', { containers: [running({ ready: false })] }, ['0/1', 'Running', '0']],
    ['one of two ended, the pod ready', { containers: [running(), ended(0, 'Completed')], conditions: [{ type: 'Ready', status: 'True' }] }, ['1/2', 'Running', '0']],
    ['one of two ended, the pod not ready', { containers: [ended(0, 'Completed'), running()] }, ['1/2', 'NotReady', '0']],
    ['a pod being deleted', { deleting: true }, ['1/1', 'Terminating', '0']],
    ['a deleted pod that has ended already', { deleting: true, phase: 'Succeeded', containers: [ended(0, 'Completed')] }, ['0/1', 'Completed', '0']],
    ['a deleted pod on a lost node', { deleting: true, reason: 'NodeLost' }, ['1/1', 'Unknown', '0']],
    ['the first init container', { phase: 'Pending', inits: [{ name: 'i', restartCount: 0, state: { running: {} } }], initSpecs: [{ name: 'i' }, { name: 'j' }], containers: [waiting('PodInitializing')] }, ['0/1', 'Init:0/2', '0']],
    ['the second init container', { phase: 'Pending', inits: [{ name: 'i', state: { terminated: { exitCode: 0 } } }, { name: 'j', state: { waiting: { reason: 'PodInitializing' } } }], containers: [waiting('PodInitializing')] }, ['0/1', 'Init:1/2', '0']],
    ['a failing init container', { phase: 'Pending', inits: [{ name: 'i', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } }, ...before('2026-01-01T00:59:30Z') }], containers: [waiting('PodInitializing')] }, ['0/1', 'Init:CrashLoopBackOff', '2 (30s ago)']],
    ['an init container that failed', { phase: 'Failed', inits: [{ name: 'i', restartCount: 0, state: { terminated: { exitCode: 1, reason: 'Error' } } }], containers: [waiting('PodInitializing')] }, ['0/1', 'Init:Error', '0']],
    ['containers after init, whose restarts no longer count', { inits: [{ name: 'i', restartCount: 4, state: { terminated: { exitCode: 0, reason: 'Completed' } } }] }, ['1/1', 'Running', '0']],
    ['a sidecar as one of the containers', { inits: [{ name: 's', restartCount: 1, started: true, ready: true, state: { running: {} } }], initSpecs: [{ name: 's', restartPolicy: 'Always' }] }, ['2/2', 'Running', '1']],
    ['a gated pod', { phase: 'Pending', containers: [], conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }, ['0/0', 'SchedulingGated', '0']],
  ])('%s', (_name, given, expected) => {
    expect(cellsOf(given).slice(1, 4)).toEqual(expected);
  });

  test('its age and, wide, where it is', () => {
    expect(cellsOf({}).slice(4)).toEqual(['60m', '<none>', '<none>', '<none>', '<none>']);
  });
});

test.each([
  [-5, '<invalid>'], [-1.5, '0s'], [0, '0s'], [119, '119s'], [120, '2m'], [125, '2m5s'], [599, '9m59s'], [600, '10m'], [10_799, '179m'], [10_800, '3h'], [10_860, '3h1m'],
  [8 * 3600, '8h'], [47 * 3600, '47h'], [48 * 3600, '2d'], [49 * 3600, '2d1h'], [8 * 86_400, '8d'], [729 * 86_400, '729d'], [730 * 86_400, '2y'], [731 * 86_400, '2y1d'], [3000 * 86_400, '8y'],
])('%s seconds are shown as %s', (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text);
});
