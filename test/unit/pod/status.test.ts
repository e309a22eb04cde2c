import { describe, expect, it, test } from 'vitest';

import { podActions, podStatus, type ContainerStatus, type PodStatus, type PodStatusInput } from '../../../src/pod/index.ts';
import { actionsInput, container, created, exited, notStartable, NOW, observed, pod, probes, running, sandbox, SECOND, statusInput } from './samples.ts';

const T = (secondsAgo: number): string => new Date(NOW - secondsAgo * SECOND).toISOString().replace('.000', '');
const two = { containers: [container('a'), container('b')] };
const withInit = { initContainers: [container('i1')] };
const after = (previous: PodStatus, change: Partial<PodStatusInput>): PodStatus => podStatus(statusInput({ previous, now: NOW + 10 * SECOND, ...change }));
const conditionsOf = (status: PodStatus): Record<string, string> =>
  Object.fromEntries((status.conditions ?? []).map((c) => [c.type, [c.status, c.reason, c.message].filter((t) => t !== undefined).join(' ')]));
const only = (status: PodStatus): ContainerStatus => {
  const [first, ...rest] = status.containerStatuses ?? [];
  if (first === undefined || rest.length > 0) throw new Error('want one container');
  return first;
};

describe('the status of a running pod', () => {
  it('is told whole', () => {
    expect(podStatus(statusInput())).toEqual({
      phase: 'Running',
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: '2026-01-02T03:04:05Z' })),
      hostIP: '192.0.2.1',
      podIP: '10.1.2.3',
      podIPs: [{ ip: '10.1.2.3' }],
      startTime: '2026-01-02T03:04:05Z',
      containerStatuses: [
        {
          name: 'web',
          state: { running: { startedAt: '2026-01-02T03:02:25Z' } },
          lastState: {},
          ready: true,
          started: true,
          restartCount: 0,
          image: 'registry.example/web:1',
          imageID: 'docker-pullable://registry.example/web@sha256:1',
          containerID: 'docker://web-0',
        },
      ],
      qosClass: 'BestEffort',
    });
  });

  it('begins when the pod was accepted, also for an executor that knows of no earlier report', () => {
    expect(podStatus(statusInput({ acceptedAt: NOW - 100 * SECOND })).startTime).toBe(T(100));
  });
});

describe('phases', () => {
  const never = { restartPolicy: 'Never' };
  const onFailure = { restartPolicy: 'OnFailure' };
  test.each<[string, string, Partial<PodStatusInput>]>([
    ['nothing is there', 'Pending', { observed: observed([], []) }],
    ['only the sandbox is there', 'Pending', { observed: observed([]) }],
    ['a container is created', 'Pending', { observed: observed([created('web')]) }],
    ['one of two has not been started', 'Pending', { pod: pod(two), observed: observed([running('a')]) }],
    ['an init container runs', 'Pending', { pod: pod(withInit), observed: observed([running('i1')]) }],
    ['an init container ended well, the container is still to come', 'Pending', { pod: pod(withInit), observed: observed([exited('i1', 0)]) }],
    ['an init container failed and comes again', 'Pending', { pod: pod(withInit), observed: observed([exited('i1', 1)]) }],
    ['an init container failed, policy Never', 'Failed', { pod: pod({ ...withInit, ...never }), observed: observed([exited('i1', 1)]) }],
    ['the container runs after its init container', 'Running', { pod: pod(withInit), observed: observed([running('web'), exited('i1', 0)]) }],
    ['an init container runs again in a new sandbox', 'Pending', { pod: pod(withInit), observed: observed([running('i1', { attempt: 1 }), exited('web', 137)]) }],
    ['one runs, one ended', 'Running', { pod: pod({ ...two, ...never }), observed: observed([running('a'), exited('b', 1)]) }],
    ['all ended, policy Always', 'Running', { observed: observed([exited('web', 0)]) }],
    ['all failed, policy OnFailure', 'Running', { pod: pod(onFailure), observed: observed([exited('web', 1)]) }],
    ['it waits for its back-off', 'Running', { observed: observed([exited('web', 1)]), waiting: new Map([['web', { reason: 'CrashLoopBackOff' }]]) }],
    ['all succeeded, policy OnFailure', 'Succeeded', { pod: pod(onFailure), observed: observed([exited('web', 0)]) }],
    ['all succeeded, policy Never', 'Succeeded', { pod: pod({ ...two, ...never }), observed: observed([exited('a', 0), exited('b', 0)]) }],
    ['one of two failed, policy Never', 'Failed', { pod: pod({ ...two, ...never }), observed: observed([exited('a', 0), exited('b', 1)]) }],
    ['it could not be started, policy Never', 'Failed', { pod: pod(never), observed: observed([notStartable('web', 'no such file')]) }],
  ])('%s: %s', (_name, phase, change) => {
    expect(podStatus(statusInput(change)).phase).toBe(phase);
  });

  test.each(['Succeeded', 'Failed'])('%s is for ever, with its reason and message', (phase) => {
    const status = after({ phase, reason: 'Evicted', message: 'no room' }, { failure: { reason: 'Other', message: 'later' } });
    expect(status).toMatchObject({ phase, reason: 'Evicted', message: 'no room' });
  });

  it('is Failed for a reason outside its containers, although they run', () => {
    const status = podStatus(statusInput({ failure: { reason: 'DeadlineExceeded', message: 'too long' } }));
    expect(status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded', message: 'too long' });
    expect(conditionsOf(status)).toMatchObject({ Ready: 'False PodFailed', ContainersReady: 'False PodFailed' });
  });
});

describe('container states', () => {
  const terminated = (change: Partial<PodStatusInput>) => only(podStatus(statusInput(change))).state?.terminated;

  test.each<[string, Parameters<typeof exited>[2], number, object]>([
    ['Completed', {}, 0, { reason: 'Completed', exitCode: 0 }],
    ['Error', {}, 3, { reason: 'Error', exitCode: 3 }],
    ['Error, not OOMKilled, for 137 alone', {}, 137, { reason: 'Error', exitCode: 137 }],
    ['OOMKilled', { oomKilled: true }, 137, { reason: 'OOMKilled', exitCode: 137 }],
    ['OOMKilled although it exited with 0', { oomKilled: true }, 0, { reason: 'OOMKilled', exitCode: 0 }],
    ['its message', { terminationMessage: 'boom\n' }, 1, { message: 'boom\n' }],
    ["Docker's error, then its message", { error: 'broken', terminationMessage: 'boom' }, 1, { message: 'broken: boom' }],
  ])('terminated: %s', (_name, more, exitCode, expected) => {
    expect(terminated({ observed: observed([exited('web', exitCode, more)]) })).toMatchObject({
      startedAt: T(100),
      finishedAt: T(50),
      containerID: 'docker://web-0',
      ...expected,
    });
  });

  it('terminated: ContainerCannotRun, with the time of its creation', () => {
    expect(terminated({ observed: observed([notStartable('web', 'exec: "x": not found')]) })).toEqual({
      exitCode: 127,
      reason: 'ContainerCannotRun',
      message: 'exec: "x": not found',
      startedAt: T(101),
      finishedAt: T(101),
      containerID: 'docker://web-0',
    });
  });

  it('cuts messages to 12 KiB for all containers together, no character in two', () => {
    const message = terminated({ pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1, { terminationMessage: '\u20ac'.repeat(5000) })]) })?.message ?? '';
    expect(Buffer.byteLength(message)).toBe(12 * 1024);
    expect(message).toBe('\u20ac'.repeat(4096));
    const shared = podStatus(statusInput({ pod: pod(two), observed: observed([exited('a', 1, { terminationMessage: `x${'\u20ac'.repeat(5000)}` })]) }));
    expect(Buffer.byteLength(shared.containerStatuses?.[0]?.state?.terminated?.message ?? '')).toBe(6142);
  });

  test.each<[string, Partial<PodStatusInput>, string]>([
    ['ContainerCreating', { observed: observed([]) }, 'ContainerCreating'],
    ['ContainerCreating for one that was only created', { observed: observed([created('web')]) }, 'ContainerCreating'],
    ['PodInitializing while there are init containers', { pod: pod(withInit), observed: observed([running('i1')]) }, 'PodInitializing'],
    ['what the image says', { observed: observed([]), waiting: new Map([['web', { reason: 'ErrImagePull', message: 'no such image' }]]) }, 'ErrImagePull no such image'],
  ])('waiting: %s', (_name, change, expected) => {
    const { reason, message } = only(podStatus(statusInput(change))).state?.waiting ?? {};
    expect([reason, message].filter((t) => t !== undefined).join(' ')).toBe(expected);
  });

  it('waiting for a back-off tells how it ended in lastState', () => {
    const status = only(podStatus(statusInput({ observed: observed([exited('web', 1, { attempt: 3 })]), waiting: new Map([['web', { reason: 'CrashLoopBackOff', message: 'back-off 40s' }]]) })));
    expect(status).toMatchObject({
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
      lastState: { terminated: { exitCode: 1, containerID: 'docker://web-3' } },
      restartCount: 3,
      ready: false,
      started: false,
    });
  });

  test.each<[string, Partial<PodStatusInput>]>([
    ['it runs', {}],
    ['it is not started again', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1)]) }],
    ['the pod is being killed', { observed: observed([exited('web', 1)]), terminating: true }],
  ])('a stale waiting reason does not show when %s', (_name, change) => {
    const status = only(podStatus(statusInput({ ...change, waiting: new Map([['web', { reason: 'CrashLoopBackOff' }]]) })));
    expect(status.state?.waiting).toBeUndefined();
  });

  it('tells how the container before this one ended', () => {
    const status = only(podStatus(statusInput({ observed: observed([exited('web', 3), running('web', { attempt: 1 })]) })));
    expect(status).toMatchObject({ state: { running: {} }, lastState: { terminated: { exitCode: 3, containerID: 'docker://web-0' } }, restartCount: 1 });
  });

  it('still tells it when Docker no longer has that container', () => {
    const before = podStatus(statusInput({ observed: observed([exited('web', 3)]) }));
    const next = after(before, { observed: observed([running('web', { attempt: 1 })]) });
    expect(only(next)).toMatchObject({ lastState: { terminated: { exitCode: 3 } }, restartCount: 1 });
    expect(only(after(next, { observed: observed([running('web', { attempt: 1 })]) })).lastState?.terminated?.exitCode).toBe(3);
  });

  it('never tells the end of a container as its own last state', () => {
    const waiting = new Map([['web', { reason: 'CrashLoopBackOff' }]]);
    const before = podStatus(statusInput({ observed: observed([exited('web', 3)]), waiting }));
    expect(only(before).lastState?.terminated?.exitCode).toBe(3);
    const next = only(after(before, { observed: observed([exited('web', 3)]) }));
    expect(next.state?.terminated?.exitCode).toBe(3);
    expect(next.lastState).toEqual({});
  });

  it('keeps what is known of a container that ended and was removed', () => {
    const policy = { pod: pod({ restartPolicy: 'Never' }) };
    const before = podStatus(statusInput({ ...policy, observed: observed([exited('web', 3)]) }));
    const waiting = new Map([['web', { reason: 'ImagePullBackOff' }]]);
    expect(after(before, { ...policy, observed: observed([], []), waiting })).toMatchObject({ phase: 'Failed', containerStatuses: before.containerStatuses });
    const { phase: _phase, ...unfinished } = before;
    expect(after(unfinished, { ...policy, observed: observed([]), waiting }).containerStatuses).toEqual(before.containerStatuses);
  });

  it('a container that ran and vanished counts as stopped: the pod does not go back to Pending', () => {
    const before = podStatus(statusInput());
    const status = after(before, { observed: observed([]) });
    expect(status.phase).toBe('Running');
    expect(only(status).lastState?.terminated).toMatchObject({ reason: 'ContainerStatusUnknown', exitCode: 137 });
  });

  it('a container that vanished while the pod is killed has ended', () => {
    const status = after(podStatus(statusInput()), { observed: observed([], []), terminating: true });
    expect(only(status).state?.terminated).toMatchObject({ reason: 'ContainerStatusUnknown', exitCode: 137 });
  });

  it('one that cannot be inspected is told as before', () => {
    const before = podStatus(statusInput());
    expect(only(after(before, { observed: observed([running('web', { state: 'unknown' })]) })).state).toEqual(only(before).state);
  });

  it('lists containers by name and init containers in their order', () => {
    const spec = { initContainers: [container('z'), container('y')], containers: [container('d'), container('c')] };
    const status = podStatus(statusInput({ pod: pod(spec), observed: observed([]) }));
    expect(status.initContainerStatuses?.map((s) => s.name)).toEqual(['z', 'y']);
    expect(status.containerStatuses?.map((s) => s.name)).toEqual(['c', 'd']);
  });

  it('counts restarts from whoever knows the most', () => {
    const count = (change: Partial<PodStatusInput>): number => only(podStatus(statusInput(change))).restartCount;
    expect(count({ restartCounts: new Map([['web', 5]]) })).toBe(5);
    expect(count({ observed: observed([running('web', { attempt: 6 })]), restartCounts: new Map([['web', 5]]) })).toBe(6);
    expect(only(after(podStatus(statusInput({ restartCounts: new Map([['web', 9]]) })), {})).restartCount).toBe(9);
  });
});

describe('ready and started', () => {
  const readinessProbe = { exec: { command: ['true'] } };
  test.each<[string, object, Parameters<typeof probes>[0], boolean, boolean]>([
    ['without probes', {}, {}, true, true],
    ['readiness not yet known', { readinessProbe }, {}, false, true],
    ['readiness failed', { readinessProbe }, { readiness: { 'web-0': false } }, false, true],
    ['readiness passed', { readinessProbe }, { readiness: { 'web-0': true } }, true, true],
    ['readiness of another container', { readinessProbe }, { readiness: { 'web-7': true } }, false, true],
    ['startup not yet known', { startupProbe: readinessProbe }, {}, false, false],
    ['startup not yet known, readiness passed', { startupProbe: readinessProbe, readinessProbe }, { readiness: { 'web-0': true } }, false, false],
    ['startup passed', { startupProbe: readinessProbe }, { startup: { 'web-0': true } }, true, true],
    ['a failed liveness probe does not count', { livenessProbe: readinessProbe }, { liveness: { 'web-0': false } }, true, true],
  ])('%s', (_name, more, results, ready, started) => {
    const status = podStatus(statusInput({ pod: pod({ containers: [container('web', more)] }), probes: probes(results) }));
    expect(only(status)).toMatchObject({ ready, started });
    expect(conditionsOf(status)['Ready']).toBe(ready ? 'True' : 'False ContainersNotReady containers with unready status: [web]');
  });
});

describe('conditions', () => {
  test.each<[string, Partial<PodStatusInput>, Record<string, string>]>([
    ['not yet', { pod: pod(two), observed: observed([running('b')]) }, { Initialized: 'True', Ready: 'False ContainersNotReady containers with unready status: [a]', PodScheduled: 'True' }],
    [
      'initializing',
      { pod: pod({ ...two, initContainers: [container('i1'), container('i2')] }), observed: observed([exited('i1', 0)]) },
      { Initialized: 'False ContainersNotInitialized containers with incomplete status: [i2]', ContainersReady: 'False ContainersNotReady containers with unready status: [a b]' },
    ],
    ['succeeded', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 0)]) }, { Initialized: 'True PodCompleted', Ready: 'False PodCompleted', ContainersReady: 'False PodCompleted' }],
    ['failed', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1)]) }, { Ready: 'False ContainersNotReady containers with unready status: [web]' }],
  ])('%s', (_name, change, expected) => {
    expect(conditionsOf(podStatus(statusInput(change)))).toMatchObject(expected);
  });

  it('ask the readiness gates, which others answer', () => {
    const gated = pod({ readinessGates: [{ conditionType: 'example.org/lb' }] });
    const ask = (status?: string): string | undefined =>
      conditionsOf(podStatus(statusInput({ pod: gated, previous: status === undefined ? {} : { conditions: [{ type: 'example.org/lb', status }] } })))['Ready'];
    expect(ask()).toBe('False ReadinessGatesNotReady corresponding condition of pod readiness gate "example.org/lb" does not exist.');
    expect(ask('False')).toBe('False ReadinessGatesNotReady the status of pod readiness gate "example.org/lb" is not "True", but False');
    expect(ask('True')).toBe('True');
  });

  it('keep their time of transition until their status changes, and leave those of others alone', () => {
    const foreign = { type: 'example.org/lb', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' };
    const first = podStatus(statusInput({ previous: { conditions: [foreign] } }));
    const second = after(first, { observed: observed([exited('web', 1)]) });
    const timeOf = (type: string): string | undefined => second.conditions?.find((c) => c.type === type)?.lastTransitionTime;
    expect(second.conditions?.[0]).toEqual(foreign);
    expect(timeOf('Initialized')).toBe('2026-01-02T03:04:05Z');
    expect(timeOf('Ready')).toBe('2026-01-02T03:04:15Z');
  });
});

describe('addresses', () => {
  const ips = (change: Partial<PodStatusInput>, previous?: PodStatus): unknown => {
    const status = podStatus(statusInput({ ...(previous === undefined ? {} : { previous }), ...change }));
    return [status.podIP, status.podIPs?.map(({ ip }) => ip), status.hostIP];
  };
  it('are those of the sandbox and the node', () => expect(ips({})).toEqual(['10.1.2.3', ['10.1.2.3'], '192.0.2.1']));
  it("are the node's with the host's network", () => expect(ips({ pod: pod({ hostNetwork: true }), observed: observed([], []) })).toEqual(['192.0.2.1', ['192.0.2.1'], '192.0.2.1']));
  it('are not there yet', () => expect(ips({ observed: observed([], []), hostIP: '' })).toEqual([undefined, undefined, undefined]));
  it('stay known when the sandbox has ended', () => expect(ips({ observed: observed([], []) }, podStatus(statusInput()))).toEqual(['10.1.2.3', ['10.1.2.3'], '192.0.2.1']));
  it('are forgotten while a new sandbox has none yet', () => expect(ips({ observed: observed([], [sandbox({ attempt: 1, ips: [] })]) }, podStatus(statusInput()))).toEqual([undefined, undefined, '192.0.2.1']));
  it('are those of the newest sandbox', () =>
    expect(ips({ observed: observed([], [sandbox({ id: 's1', attempt: 1, ips: ['10.1.2.9'] }), sandbox({ state: 'exited' })]) }, podStatus(statusInput()))).toEqual(['10.1.2.9', ['10.1.2.9'], '192.0.2.1']));
});

it('takes far less than 0.2 ms for a status and for the actions of a normal pod', () => {
  const spec = pod({ ...two, ...withInit });
  const now = observed([running('a'), running('b', { attempt: 1 }), exited('b', 1), exited('i1', 0)]);
  const decide = (): void => {
    podStatus(statusInput({ pod: spec, observed: now }));
    podActions(actionsInput({ pod: spec, observed: now }));
  };
  for (let i = 0; i < 2000; i++) decide();
  const before = performance.now();
  for (let i = 0; i < 1000; i++) decide();
  expect((performance.now() - before) / 1000).toBeLessThan(0.4);
});
