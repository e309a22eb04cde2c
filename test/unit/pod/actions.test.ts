import { describe, expect, it, test } from 'vitest';

import { containerHash, crashLoopWaiting, podActions, type CrashBackoff, type PodAction, type PodActionsInput } from '../../../src/pod/index.ts';
import { actionsInput, container, created, exited, notStartable, NOW, observed, pod, probes, running, sandbox, SECOND } from './samples.ts';

const web = container('web');
const start = (name: string, attempt = 0, init = false): PodAction => ({ kind: 'start-container', name, init, attempt });
const restart = (name: string, attempt: number, init = false, delayMs = 10_000): PodAction => ({
  kind: 'start-container',
  name,
  init,
  attempt,
  crashBackoff: { delayMs, updatedAt: NOW, hash: containerHash(container(name)) },
});
const sandboxOf = (attempt: number): PodAction => ({ kind: 'create-sandbox', attempt });
const sandboxChanged: PodAction = { kind: 'kill-pod', reason: 'sandbox-changed' };
const completed: PodAction = { kind: 'kill-pod', reason: 'completed' };
const kill = (name: string, why: Extract<PodAction, { kind: 'kill-container' }>['why'], message: string): PodAction => ({ kind: 'kill-container', id: `${name}-0`, name, why, message });

const deadSandbox = sandbox({ state: 'exited', exitCode: 0, finishedAt: NOW });
const two = { containers: [container('a'), container('b')] };
const withInit = { initContainers: [container('i1'), container('i2')] };

describe('what to do with a pod', () => {
  /** A healthy pod of one container, restart policy Always, and one thing changed. */
  const table: [string, Partial<PodActionsInput>, PodAction[]][] = [
    ['nothing when all is well', {}, []],
    ['nothing when two run', { pod: pod(two), observed: observed([running('a'), running('b')]) }, []],

    // sandbox
    ['a sandbox and the containers at the beginning', { observed: observed([], []) }, [sandboxOf(0), start('web')]],
    ['a sandbox and the first init container', { pod: pod(withInit), observed: observed([], []) }, [sandboxOf(0), start('i1', 0, true)]],
    ['containers once there is a sandbox', { pod: pod(two), observed: observed([]) }, [start('a'), start('b')]],
    ['everything anew when the sandbox died', { observed: observed([running('web')], [deadSandbox]) }, [sandboxChanged, sandboxOf(1), start('web', 1)]],
    ['no kill when nothing is left of the old sandbox', { observed: observed([exited('web', 137)], [deadSandbox]) }, [sandboxOf(1), restart('web', 1)]],
    ['a sandbox that was created and never started is no attempt', { observed: observed([], [{ ...sandbox(), state: 'created' }]) }, [sandboxOf(0), start('web')]],
    ['everything anew when the sandbox has no address', { observed: observed([running('web')], [sandbox({ ips: [] })]) }, [sandboxChanged, sandboxOf(1), start('web', 1)]],
    ["no address needed with the host's network", { pod: pod({ hostNetwork: true }), observed: observed([running('web')], [sandbox({ ips: [], hostNetwork: true })]) }, []],
    ["everything anew when the host's network is wanted and not had", { pod: pod({ hostNetwork: true }) }, [sandboxChanged, sandboxOf(1), start('web', 1)]],
    ['everything anew when there are two sandboxes', { observed: observed([running('web')], [sandbox({ id: 's1', attempt: 1 }), sandbox()]) }, [sandboxChanged, sandboxOf(2), start('web', 1)]],
    ['nothing while the sandbox cannot be inspected', { observed: observed([], [sandbox({ state: 'unknown' })]) }, []],
    ['init containers again in a new sandbox', { pod: pod(withInit), observed: observed([running('web'), exited('i2', 0), exited('i1', 0)], [deadSandbox]) }, [sandboxChanged, sandboxOf(1), restart('i1', 1, true)]],
    ['no new sandbox when all succeeded and the policy is OnFailure', { pod: pod({ restartPolicy: 'OnFailure' }), observed: observed([exited('web', 0)], [deadSandbox]) }, []],
    ['a new sandbox for the one that failed, policy OnFailure', { pod: pod({ ...two, restartPolicy: 'OnFailure' }), observed: observed([exited('a', 0), exited('b', 1)], [deadSandbox]) }, [sandboxOf(1), restart('b', 1)]],
    ['no new sandbox when all have run, policy Never', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1)], [deadSandbox]) }, []],
    ['the rest is killed when the sandbox died, policy Never', { pod: pod({ restartPolicy: 'Never' }), observed: observed([running('web')], [deadSandbox]) }, [completed]],
    ['a new sandbox for what never ran, policy Never', { pod: pod({ ...two, restartPolicy: 'Never' }), observed: observed([exited('a', 137)], [deadSandbox]) }, [sandboxOf(1), start('b')]],
    ['no new sandbox after a failed init container, policy Never', { pod: pod({ ...withInit, restartPolicy: 'Never' }), observed: observed([exited('i1', 1)], [deadSandbox]) }, []],
    ['no new sandbox for a pod that is being deleted', { pod: pod({}, { deletionTimestamp: '2026-01-02T03:04:05Z' }), observed: observed([], [deadSandbox]) }, []],

    // init containers
    ['the first init container', { pod: pod(withInit), observed: observed([]) }, [start('i1', 0, true)]],
    ['nothing while an init container runs', { pod: pod(withInit), observed: observed([running('i1')]) }, []],
    ['the next init container', { pod: pod(withInit), observed: observed([exited('i1', 0)]) }, [start('i2', 0, true)]],
    ['the containers after the last init container', { pod: pod(withInit), observed: observed([exited('i2', 0), exited('i1', 0)]) }, [start('web')]],
    ['a failed init container again', { pod: pod(withInit), observed: observed([exited('i2', 1), exited('i1', 0)]) }, [restart('i2', 1, true)]],
    ['an init container that could not be started again', { pod: pod(withInit), observed: observed([notStartable('i1', 'no such file')]) }, [restart('i1', 1, true)]],
    ['the end after a failed init container, policy Never', { pod: pod({ ...withInit, restartPolicy: 'Never' }), observed: observed([exited('i1', 1)]) }, [completed]],
    ['one that was created and never started, as the same attempt', { pod: pod(withInit), observed: observed([created('i2'), exited('i1', 0)]) }, [start('i2', 0, true)]],
    ['nothing for init containers of an earlier sandbox', { pod: pod(withInit), observed: observed([exited('i2', 0, { sandboxId: 'older' }), exited('i1', 0, { sandboxId: 'older' })]) }, [restart('i1', 1, true)]],
    ['no init containers again when they were cleaned up', { pod: pod(withInit), observed: observed([exited('web', 1)]) }, [restart('web', 1)]],

    // restart policy
    ['Always: again after success', { observed: observed([exited('web', 0)]) }, [restart('web', 1)]],
    ['Always: again after failure', { observed: observed([exited('web', 1)]) }, [restart('web', 1)]],
    ['OnFailure: again after failure', { pod: pod({ restartPolicy: 'OnFailure' }), observed: observed([exited('web', 1)]) }, [restart('web', 1)]],
    ['OnFailure: over after success', { pod: pod({ restartPolicy: 'OnFailure' }), observed: observed([exited('web', 0)]) }, [completed]],
    ['OnFailure: keeps the sandbox for what still runs', { pod: pod({ ...two, restartPolicy: 'OnFailure' }), observed: observed([exited('a', 0), running('b')]) }, []],
    ['Never: over after failure', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1)]) }, [completed]],
    ['Never: keeps what still runs', { pod: pod({ ...two, restartPolicy: 'Never' }), observed: observed([exited('a', 1), running('b')]) }, []],
    ['Never: starts what has not run', { pod: pod({ ...two, restartPolicy: 'Never' }), observed: observed([exited('a', 1)]) }, [start('b')]],
    ['nothing when it is over and everything is gone', { pod: pod({ restartPolicy: 'Never' }), observed: observed([exited('web', 1)], [deadSandbox]) }, []],
    ['over when it is being deleted and nothing runs', { pod: pod({}, { deletionTimestamp: '2026-01-02T03:04:05Z' }), observed: observed([exited('web', 1)]) }, [completed]],
    ['one that was created and never started, as the same attempt', { observed: observed([created('web', { attempt: 2 })]), restartCounts: new Map([['web', 2]]) }, [start('web', 2)]],
    ['nothing for a container that cannot be inspected', { observed: observed([running('web', { state: 'unknown' })]) }, []],

    // probes, spec, hooks
    ['kill and start after a failed liveness probe', { probes: probes({ liveness: { 'web-0': false } }) }, [kill('web', 'liveness', 'Container web failed liveness probe, will be restarted'), start('web', 1)]],
    ['kill and start after a failed startup probe', { probes: probes({ startup: { 'web-0': false } }) }, [kill('web', 'startup', 'Container web failed startup probe, will be restarted'), start('web', 1)]],
    ['only kill after a failed liveness probe, policy Never', { pod: pod({ ...two, restartPolicy: 'Never' }), observed: observed([running('a'), running('b')]), probes: probes({ liveness: { 'a-0': false } }) }, [kill('a', 'liveness', 'Container a failed liveness probe')]],
    ['nothing for a failed probe of an older container', { observed: observed([running('web', { attempt: 1 }), exited('web', 1)]), probes: probes({ liveness: { 'web-0': false } }) }, []],
    ['nothing for a failed readiness probe', { probes: probes({ readiness: { 'web-0': false } }) }, []],
    ['another image: kill and start, whatever the policy', { pod: pod({ restartPolicy: 'Never' }), observed: observed([running('web', { hash: containerHash({ ...web, image: 'other' }) })]) }, [kill('web', 'spec-changed', 'Container web definition changed, will be restarted'), start('web', 1)]],
    ['nothing when the hash is the same', { observed: observed([running('web', { hash: containerHash(web) })]) }, []],
    ['nothing when another version of us wrote the hash', { observed: observed([running('web', { hash: '0-abcdef' })]) }, []],
    ['kill after a failed postStart hook, then look again', { postStartFailed: new Map([['web-0', 'boom']]) }, [kill('web', 'post-start-failed', 'FailedPostStartHook')]],

    ['kill what runs in an older sandbox, then look again', { pod: pod(two), observed: observed([running('a', { sandboxId: 'older' })]) }, [kill('a', 'stray', 'Stopping container a')]],
    ['kill what runs beside a newer container of its name', { observed: observed([running('web'), running('web', { attempt: 1 })]) }, [kill('web', 'stray', 'Stopping container web')]],

    // attempts
    ['the attempt after the highest that ever existed', { observed: observed([]), restartCounts: new Map([['web', 7]]) }, [start('web', 8)]],
    ['the attempt after the newest that is there', { observed: observed([exited('web', 1), exited('web', 1, { attempt: 4 })]), restartCounts: new Map([['web', 3]]) }, [restart('web', 5)]],
  ];
  test.each(table)('%s', (_name, change, expected) => {
    expect(podActions(actionsInput(change))).toEqual(expected);
  });
});

describe('the crash loop', () => {
  const ended = (secondsAgo: number, attempt = 1) => observed([exited('web', 1, { attempt, finishedAt: NOW - secondsAgo * SECOND }), exited('web', 1)]);
  const entry = (delaySeconds: number, updatedSecondsAgo: number, hash = containerHash(web)): ReadonlyMap<string, CrashBackoff> =>
    new Map([['web', { delayMs: delaySeconds * SECOND, updatedAt: NOW - updatedSecondsAgo * SECOND, hash }]]);
  const wait = (delaySeconds: number, secondsLeft: number): PodAction => ({
    kind: 'back-off',
    name: 'web',
    id: 'web-1',
    delayMs: delaySeconds * SECOND,
    untilMs: NOW + secondsLeft * SECOND,
  });

  test.each<[string, number, ReadonlyMap<string, CrashBackoff>, PodAction]>([
    ['the first restart comes at once', 0, new Map(), restart('web', 2)],
    ['the second waits 10 s from the end', 4, entry(10, 5), wait(10, 6)],
    ['and then comes, doubling the delay', 10, entry(10, 11), restart('web', 2, false, 20_000)],
    ['the delay grows to 300 s', 160, entry(160, 200), restart('web', 2, false, 300_000)],
    ['and no further', 300, entry(300, 301), restart('web', 2, false, 300_000)],
    ['one that ran for 600 s is not held back', 0, entry(300, 601), restart('web', 2)],
    ['one that ran for just 600 s is', 0, entry(300, 600), wait(300, 300)],
    ['where the clock was set back by an hour nobody waits for that', -3600, entry(10, -3590), restart('web', 2, false, 20_000)],
    ['where it was by a moment the wait is that much longer', -1, entry(10, 1), wait(10, 11)],
    ['a changed spec starts anew', 0, entry(300, 1, containerHash({ ...web, image: 'older' })), restart('web', 2)],
  ])('%s', (_name, secondsAgo, crashBackoff, expected) => {
    expect(podActions(actionsInput({ observed: ended(secondsAgo), crashBackoff }))).toEqual([expected]);
  });

  it('keeps the sandbox while all containers wait', () => {
    const actions = podActions(actionsInput({ observed: ended(0), crashBackoff: entry(10, 1) }));
    expect(actions).not.toContainEqual(completed);
  });

  it('holds init containers back too', () => {
    const crashBackoff = new Map([['i1', { delayMs: 10_000, updatedAt: NOW - 51 * SECOND, hash: containerHash(container('i1')) }]]);
    const input = { pod: pod(withInit), observed: observed([exited('i1', 1, { finishedAt: NOW - SECOND })]), crashBackoff };
    expect(podActions(actionsInput(input))).toEqual([{ kind: 'back-off', name: 'i1', id: 'i1-0', delayMs: 10_000, untilMs: NOW + 9 * SECOND }]);
  });

  it('runs as the kubelet runs it: at once, then after 10, 20, 40, 80, 160, 300, 300 seconds', () => {
    const crashBackoff = new Map<string, CrashBackoff>();
    const waits: number[] = [];
    let now = NOW;
    for (let attempt = 0; attempt < 8; attempt++) {
      const finishedAt = now;
      const observation = observed([exited('web', 1, { attempt, startedAt: finishedAt, finishedAt })]);
      let [action] = podActions(actionsInput({ observed: observation, crashBackoff, now }));
      if (action?.kind === 'back-off') {
        now = action.untilMs;
        [action] = podActions(actionsInput({ observed: observation, crashBackoff, now }));
      }
      waits.push((now - finishedAt) / SECOND);
      if (action?.kind !== 'start-container' || action.crashBackoff === undefined) throw new Error(`no restart: ${action?.kind}`);
      crashBackoff.set('web', action.crashBackoff);
    }
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  });

  test.each([
    [10_000, '10s'],
    [40_000, '40s'],
    [160_000, '2m40s'],
    [300_000, '5m0s'],
  ])('tells the wait of %i ms as the kubelet does', (delayMs, text) => {
    expect(crashLoopWaiting(pod(), 'web', delayMs)).toEqual({
      reason: 'CrashLoopBackOff',
      message: `back-off ${text} restarting failed container=web pod=web_default(uid-1)`,
    });
  });
});
