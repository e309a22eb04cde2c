import { describe, expect, it, test } from 'vitest';

import { deadlineExceeded, outcomeOf, podStatus, remainingMs, type ObservedContainer, type PodOutcome, type PodStatusInput } from '../../../src/pod/index.ts';
import { container, exited, notStartable, NOW, observed, pod, running, SECOND, statusInput } from './samples.ts';

const never = pod({ restartPolicy: 'Never' });
const outcome = (containers: readonly ObservedContainer[], more: Partial<PodStatusInput> = {}): PodOutcome | undefined =>
  outcomeOf(podStatus(statusInput({ pod: never, observed: observed(containers), ...more })), never.spec);

describe('how a pod ended, in the words of Mesos', () => {
  it('is not told while it runs or waits', () => {
    expect(outcome([running('web')])).toBeUndefined();
    expect(outcome([])).toBeUndefined();
  });

  test.each<[string, ObservedContainer, PodOutcome]>([
    ['success', exited('web', 0), { state: 'TASK_FINISHED', message: 'container web: Completed, exit code 0' }],
    ['success with a message', exited('web', 0, { terminationMessage: 'all done\n' }), { state: 'TASK_FINISHED', message: 'container web: Completed, exit code 0: all done' }],
    ['failure', exited('web', 3, { terminationMessage: 'boom\n' }), { state: 'TASK_FAILED', message: 'container web: Error, exit code 3: boom' }],
    ['out of memory', exited('web', 137, { oomKilled: true }), { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LIMITATION_MEMORY', message: 'container web: OOMKilled, exit code 137' }],
    [
      'no such command',
      notStartable('web', 'exec: "x": not found'),
      { state: 'TASK_FAILED', reason: 'REASON_CONTAINER_LAUNCH_FAILED', message: 'container web: ContainerCannotRun, exit code 127: exec: "x": not found' },
    ],
  ])('%s', (_name, ended, expected) => {
    expect(outcome([ended])).toEqual(expected);
  });

  it('names the containers that failed, init containers first', () => {
    const two = pod({ restartPolicy: 'Never', containers: [container('a'), container('b')] });
    expect(outcome([exited('a', 0), exited('b', 2)], { pod: two })?.message).toBe('container b: Error, exit code 2');
    const init = pod({ restartPolicy: 'Never', initContainers: [container('setup')] });
    expect(outcome([exited('setup', 5)], { pod: init })?.message).toBe('container setup: Error, exit code 5');
  });

  test.each([
    ['Evicted', 'The node was low on resource: memory. ', 'REASON_CONTAINER_LIMITATION_MEMORY'],
    ['Evicted', 'The node was low on resource: ephemeral-storage. ', 'REASON_CONTAINER_LIMITATION_DISK'],
    ['Evicted', 'The node was low on resource: pids. ', 'REASON_CONTAINER_LIMITATION'],
    ['OutOfcpu', 'Pod Node did not have enough resource: cpu', 'REASON_CONTAINER_LAUNCH_FAILED'],
    ['Killed', 'by its framework', undefined],
  ])('%s: %s', (reason, message, expected) => {
    const result = outcome([running('web')], { failure: { reason, message } });
    expect(result).toMatchObject({ state: 'TASK_FAILED', message: `${reason}: ${message}` });
    expect(result?.reason).toBe(expected);
  });
});

describe('activeDeadlineSeconds', () => {
  const limited = pod({ activeDeadlineSeconds: 60 });
  const status = podStatus(statusInput({ pod: limited }));
  test.each([
    [0, 60 * SECOND, false],
    [59.999 * SECOND, 1, false],
    [60 * SECOND, 0, true],
    [90 * SECOND, -30 * SECOND, true],
  ])('%i ms after the start %i ms are left', (passed, left, exceeded) => {
    expect(Math.round(remainingMs(limited, status, NOW + passed) ?? Number.NaN)).toBe(left);
    expect(deadlineExceeded(limited, status, NOW + passed)).toBe(exceeded);
  });

  it('does not run for a pod without a deadline or without a start', () => {
    expect(remainingMs(pod(), status, NOW)).toBeUndefined();
    expect(remainingMs(limited, undefined, NOW)).toBeUndefined();
    expect(deadlineExceeded(limited, {}, NOW + 1e9)).toBe(false);
  });
});
