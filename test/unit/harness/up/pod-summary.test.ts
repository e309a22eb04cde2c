import { expect, test } from 'vitest';
import { podSummary } from '../../../../src/harness/up/pod-summary.ts';
import type { ContainerState, ContainerStatus, Pod } from '../../../../src/pod/index.ts';

const status = (state: ContainerState, ready = false, restartCount = 0): ContainerStatus => ({ name: 'c', image: 'nginx', imageID: '', state, ready, restartCount });

const pod = (status: Pod['status'], more: Partial<Pod> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'nginx' }], initContainers: [{ name: 'i', image: 'busybox' }] },
  ...(status !== undefined && { status }),
  ...more,
});

const withSidecar = (init: ContainerStatus[], app: ContainerStatus[], initialized: string): Pod => ({
  ...pod({ phase: 'Running', initContainerStatuses: init, containerStatuses: app, conditions: [{ type: 'Initialized', status: initialized }] }),
  spec: { containers: [{ name: 'd', image: 'nginx' }], initContainers: [{ name: 'c', image: 'busybox', restartPolicy: 'Always' }] },
});

const table: [string, string, Pod][] = [
  ['without any status', '0/1 Pending 0', pod(undefined)],
  ['with its container being made', '0/1 ContainerCreating 0', pod({ phase: 'Pending', containerStatuses: [status({ waiting: { reason: 'ContainerCreating' } })] })],
  ['that runs and is ready', '1/1 Running 0', pod({ phase: 'Running', containerStatuses: [status({ running: {} }, true)] })],
  ['in a crash loop', '0/1 CrashLoopBackOff 3', pod({ phase: 'Running', containerStatuses: [status({ waiting: { reason: 'CrashLoopBackOff' } }, false, 3)] })],
  ['that has ended well', '0/1 Completed 0', pod({ phase: 'Succeeded', containerStatuses: [status({ terminated: { exitCode: 0, reason: 'Completed' } })] })],
  ['that ended for no told reason', '0/1 ExitCode:7 0', pod({ phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 7 } })] })],
  ['with an init container at work', '0/1 Init:0/1 0', pod({ phase: 'Pending', initContainerStatuses: [status({ running: {} })] })],
  ['whose init container’s image cannot be pulled', '0/1 Init:ErrImagePull 0', pod({ phase: 'Pending', initContainerStatuses: [status({ waiting: { reason: 'ErrImagePull' } })] })],
  ['with a sidecar', '2/2 Running 1', withSidecar([{ ...status({ running: {} }, true, 1), started: true }], [status({ running: {} }, true)], 'True')],
  ['with a sidecar that has not started', '0/2 Init:0/1 0', withSidecar([{ ...status({ running: {} }), started: false }], [], 'False')],
  ['with a sidecar that comes again', '1/2 Running 2', withSidecar([status({ terminated: { exitCode: 1 } }, false, 2)], [status({ running: {} }, true)], 'True')],
  ['that was evicted', '0/1 Evicted 0', pod({ phase: 'Failed', reason: 'Evicted' })],
  ['that is being deleted', '1/1 Terminating 0', pod({ phase: 'Running', containerStatuses: [status({ running: {} }, true)] }, { metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } })],
];

test.each(table)('a pod %s reads %s', (_name, expected, subject) => {
  expect(podSummary(subject)).toBe(expected);
});
