import { describe, expect, it, test } from 'vitest';

import { outcomeOf, podStatus, type ContainerStatus } from '../../../src/pod/index.ts';
import { type Row, withEachPolicy, written } from './pod-shorthand.ts';
import { NOW, SECOND, statusInput } from './samples.ts';

/** The phase, and which of Initialized and Ready are true. */
const TABLE: readonly Row[] = [
  // regular containers
  ['nothing was started', 'a', '', 'Pending Initialized'],
  ['created', 'a', 'a=new', 'Pending Initialized'],
  ['runs', 'a', 'a=run', 'Running Initialized Ready'],
  ['cannot be inspected and never was', 'a', 'a=lost', 'Pending Initialized'],
  ['succeeded', 'a', 'a=ok', 'Running Initialized', 'Succeeded Initialized', 'Succeeded Initialized'],
  ['failed', 'a', 'a=fail', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],
  ['dead by its memory limit', 'a', 'a=oom', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],
  ['could not be started', 'a', 'a=dead', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],
  ['its startup probe has not passed', 'a', 'a=run~', 'Running Initialized'],
  ['its startup probe has passed', 'a', 'a=run+', 'Running Initialized Ready'],
  ['its liveness probe failed', 'a', 'a=run!live', 'Running Initialized Ready'],
  ['one of two runs', 'a b', 'a=run', 'Pending Initialized'],
  ['both run', 'a b', 'a=run b=run', 'Running Initialized Ready'],
  ['one succeeded, one runs', 'a b', 'a=ok b=run', 'Running Initialized'],
  ['one failed, one runs', 'a b', 'a=fail b=run', 'Running Initialized'],
  ['one failed, one was never started', 'a b', 'a=fail', 'Pending Initialized'],
  ['both succeeded', 'a b', 'a=ok b=ok', 'Running Initialized', 'Succeeded Initialized', 'Succeeded Initialized'],
  ['one succeeded, one failed', 'a b', 'a=ok b=fail', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],

  // init containers
  ['no init container was started', 'i1 | a', '', 'Pending'],
  ['an init container is created', 'i1 | a', 'i1=new', 'Pending'],
  ['an init container runs', 'i1 | a', 'i1=run', 'Pending'],
  ['an init container ended well', 'i1 | a', 'i1=ok', 'Pending Initialized'],
  ['an init container failed', 'i1 | a', 'i1=fail', 'Pending', 'Pending', 'Failed'],
  ['an init container could not be started', 'i1 | a', 'i1=dead', 'Pending', 'Pending', 'Failed'],
  ['one of two init containers ended well', 'i1 i2 | a', 'i1=ok', 'Pending'],
  ['the second init container failed', 'i1 i2 | a', 'i1=ok i2=fail', 'Pending', 'Pending', 'Failed'],
  ['runs after its init container', 'i1 | a', 'i1=ok a=run', 'Running Initialized Ready'],
  ['succeeded after its init container', 'i1 | a', 'i1=ok a=ok', 'Running Initialized', 'Succeeded Initialized', 'Succeeded Initialized'],
  ['failed after its init container', 'i1 | a', 'i1=ok a=fail', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],

  // sidecars
  ['no sidecar was started', 's1 | a', '', 'Pending'],
  ['a sidecar is created', 's1 | a', 's1=new', 'Pending'],
  ['a sidecar runs, the container is to come', 's1 | a', 's1=run', 'Pending Initialized'],
  ['the startup probe of a sidecar has not passed', 's1 | a', 's1=run~', 'Pending'],
  ['the startup probe of a sidecar has passed', 's1 | a', 's1=run+', 'Pending Initialized'],
  ['a sidecar failed before the container', 's1 | a', 's1=fail', 'Pending'],
  ['a sidecar ended well before the container', 's1 | a', 's1=ok', 'Pending'],
  ['the sidecar and the container run', 's1 | a', 's1=run a=run', 'Running Initialized Ready'],
  ['a restarted sidecar has not started again', 's1 | a', 's1=run~ a=run', 'Running Initialized'],
  ['a sidecar failed beside the container', 's1 | a', 's1=fail a=run', 'Running Initialized'],
  ['nothing is left of the sidecar', 's1 | a', 'a=run', 'Running Initialized'],
  ['the container succeeded, the sidecar still runs', 's1 | a', 's1=run a=ok', 'Running Initialized'],
  ['the container failed, the sidecar still runs', 's1 | a', 's1=run a=fail', 'Running Initialized'],
  ['the container succeeded, the sidecar ended well', 's1 | a', 's1=ok a=ok', 'Running Initialized', 'Succeeded Initialized', 'Succeeded Initialized'],
  ['how the sidecar ended does not count', 's1 | a', 's1=fail a=ok', 'Running Initialized', 'Succeeded Initialized', 'Succeeded Initialized'],
  ['the container failed, the sidecar ended well', 's1 | a', 's1=ok a=fail', 'Running Initialized', 'Running Initialized', 'Failed Initialized'],
  ['one of two sidecars runs', 's1 s2 | a', 's1=run', 'Pending'],
  ['two sidecars run', 's1 s2 | a', 's1=run s2=run', 'Pending Initialized'],
  ['one of two sidecars still runs', 's1 s2 | a', 's1=run s2=ok a=ok', 'Running Initialized'],
  ['an init container runs beside a sidecar', 's1 i1 | a', 's1=run i1=run', 'Pending'],
  ['an init container ended well beside a sidecar', 's1 i1 | a', 's1=run i1=ok', 'Pending Initialized'],
  ['an init container failed, the sidecar still runs', 's1 i1 | a', 's1=run i1=fail', 'Pending'],
  ['an init container failed, the sidecar has ended', 's1 i1 | a', 's1=ok i1=fail', 'Pending', 'Pending', 'Failed'],
  ['all run', 's1 i1 | a b', 's1=run i1=ok a=run b=run', 'Running Initialized Ready'],
];

test.each(withEachPolicy(TABLE))('%s', (_name, given, expected) => {
  const { phase, conditions = [] } = podStatus(statusInput(given));
  const isTrue = (type: string): boolean => conditions.some((one) => one.type === type && one.status === 'True');
  expect(isTrue('ContainersReady')).toBe(isTrue('Ready'));
  expect([phase, ...['Initialized', 'Ready'].filter(isTrue)].join(' ')).toBe(expected);
});

test('a terminal phase stays whatever is seen later', () => {
  for (const [name, given] of withEachPolicy(TABLE)) {
    const previous = podStatus(statusInput(given));
    if (previous.phase !== 'Succeeded' && previous.phase !== 'Failed') continue;
    for (const [, later] of withEachPolicy(TABLE)) {
      expect(podStatus(statusInput({ ...later, pod: given.pod, previous, now: NOW + SECOND })).phase, name).toBe(previous.phase);
    }
  }
});

describe("a sidecar's own status", () => {
  const sidecar = (policy: string, states: string): ContainerStatus | undefined => podStatus(statusInput(written(policy, 's1 | a', states))).initContainerStatuses?.[0];

  it('says whether it has started and is ready', () => {
    expect(sidecar('Never', 's1=run a=run')).toMatchObject({ started: true, ready: true });
    expect(sidecar('Never', 's1=run~')).toMatchObject({ started: false, ready: false });
    expect(sidecar('Never', 's1=fail a=run')).toMatchObject({ started: false, ready: false });
    expect(sidecar('Never', 's1=ok a=run')).toMatchObject({ started: false, ready: false });
  });

  it('says that it waits in its crash loop, whatever the policy and however it ended', () => {
    const waiting = new Map([['s1', { reason: 'CrashLoopBackOff' }]]);
    for (const policy of ['Always', 'OnFailure', 'Never']) {
      for (const end of ['ok', 'fail']) {
        const [status] = podStatus(statusInput({ ...written(policy, 's1 | a', `s1=${end} a=run`), waiting })).initContainerStatuses ?? [];
        expect(status?.state).toEqual({ waiting: { reason: 'CrashLoopBackOff' } });
        expect(status?.lastState?.terminated?.exitCode).toBe(end === 'ok' ? 0 : 1);
      }
    }
  });

  it('is no part of how the task ended', () => {
    const given = written('Never', 's1 | a', 's1=oom a=fail');
    const outcome = outcomeOf(podStatus(statusInput(given)), given.pod.spec);
    expect(outcome).toEqual({ state: 'TASK_FAILED', message: 'container a: Error, exit code 1' });
  });
});
