import { expect, test } from 'vitest';
import { lostStatus, type PodStatus } from '../../../src/pod/index.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');

test('a pod that nobody can tell of any more has failed, and is no longer ready', () => {
  const status = {
    phase: 'Running', podIP: '10.0.0.1', startTime: '2026-01-01T00:00:00Z',
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 'then' }, { type: 'ContainersReady', status: 'False', lastTransitionTime: 'then' }, { type: 'Initialized', status: 'True' }, { type: 'example.org/gate', status: 'True' }],
    initContainerStatuses: [{ name: 'init', ready: true, restartCount: 0, image: 'i', imageID: '', state: { terminated: { exitCode: 0 } } }],
    containerStatuses: [
      { name: 'web', ready: true, started: true, restartCount: 3, image: 'i', imageID: '', containerID: 'docker://c1', state: { running: { startedAt: '2026-01-01T00:00:01Z' } } },
      { name: 'slow', ready: false, restartCount: 0, image: 'i', imageID: '', state: { waiting: { reason: 'ImagePullBackOff' } } },
    ],
  } as unknown as PodStatus;
  const lost = lostStatus(status, 'executor-ended', NOW);
  expect(lost).toMatchObject({ phase: 'Failed', reason: 'ExecutorTerminated', podIP: '10.0.0.1', startTime: '2026-01-01T00:00:00Z' });
  expect(lost.conditions).toEqual([
    { type: 'Ready', status: 'False', reason: 'PodFailed', lastTransitionTime: '2026-01-02T03:04:05Z' },
    { type: 'ContainersReady', status: 'False', reason: 'PodFailed', lastTransitionTime: 'then' },
    { type: 'Initialized', status: 'True' },
    { type: 'example.org/gate', status: 'True' },
  ]);
  expect(lost.containerStatuses).toMatchObject([
    { ready: false, restartCount: 3, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-02T03:04:05Z', containerID: 'docker://c1' } } },
    { ready: false, state: { waiting: { reason: 'ImagePullBackOff' } } },
  ]);
  expect(lost.initContainerStatuses).toMatchObject([{ state: { terminated: { exitCode: 0 } } }]);
  expect(lostStatus({}, 'task-over', NOW)).toMatchObject({ phase: 'Failed', reason: 'TaskOver' });
});
