import { describe, expect, it, test } from 'vitest';
import { faultText, podActions, podStatus, type PodAction, type PodActionsInput, type PodSpec } from '../../../src/pod/index.ts';
import { actionsInput, container, created, exited, faultsOf, notStartable, observed, pod, rawPod, running, sandbox, statusInput } from './samples.ts';

const debug = { ...container('debug'), targetContainerName: 'web' };
const withDebug = (more: Partial<PodSpec> = {}): ReturnType<typeof pod> => pod({ ephemeralContainers: [debug], ...more });
const start: PodAction = { kind: 'start-container', name: 'debug', init: false, attempt: 0 };

describe('an ephemeral container', () => {
  const init = { initContainers: [container('setup')] };
  test.each<[string, Partial<PodActionsInput>, PodAction[]]>([
    ['is started in a running pod', {}, [start]],
    ['is started while an init container runs', { pod: withDebug(init), observed: observed([running('setup')]) }, [start]],
    ['is started beside the first init container', { pod: withDebug(init), observed: observed([]) }, [start, { kind: 'start-container', name: 'setup', init: true, attempt: 0 }]],
    ['waits for a sandbox', { observed: observed([], []) }, [{ kind: 'create-sandbox', attempt: 0 }, { kind: 'start-container', name: 'web', init: false, attempt: 0 }]],
    ['is left alone while it runs', { observed: observed([running('web'), running('debug')]) }, []],
    ['is not started again when it has ended', { observed: observed([running('web'), exited('debug', 1)]) }, []],
    ['is not started again when it could not be started', { observed: observed([running('web'), notStartable('debug', 'no such file')]) }, []],
    ['is not started again when Docker no longer has it', { restartCounts: new Map([['debug', 0]]) }, []],
    ['is started when it was only created', { observed: observed([running('web'), created('debug')]), restartCounts: new Map([['debug', 0]]) }, [start]],
    ['is not started in a pod that is being deleted', { pod: pod({ ephemeralContainers: [debug] }, { deletionTimestamp: '2026-01-02T03:04:05Z' }) }, []],
    ['ends with its pod', { pod: withDebug({ restartPolicy: 'Never' }), observed: observed([exited('web', 0), running('debug')]) }, [{ kind: 'kill-pod', reason: 'completed' }]],
  ])('%s', (_name, change, expected) => {
    expect(podActions(actionsInput({ pod: withDebug(), ...change }))).toEqual(expected);
  });

  it('has a status of its own, is never ready, and counts for neither phase nor readiness', () => {
    const status = podStatus(statusInput({ pod: withDebug(), observed: observed([running('web'), running('debug')]) }));
    expect(status.ephemeralContainerStatuses).toMatchObject([{ name: 'debug', ready: false, restartCount: 0, containerID: 'docker://debug-0', state: { running: {} } }]);
    expect(status.containerStatuses?.map(({ name }) => name)).toEqual(['web']);
    const ended = podStatus(statusInput({ pod: withDebug({ restartPolicy: 'Never' }), observed: observed([running('web'), exited('debug', 3)]), previous: status }));
    expect(ended.ephemeralContainerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(ended).toMatchObject({ phase: 'Running', conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]) as unknown });
  });

  it('keeps how it ended when Docker no longer has it', () => {
    const before = podStatus(statusInput({ pod: withDebug(), observed: observed([running('web'), exited('debug', 3)]) }));
    const after = podStatus(statusInput({ pod: withDebug(), observed: observed([running('web')]), previous: before, restartCounts: new Map([['debug', 0]]) }));
    expect(after.ephemeralContainerStatuses).toEqual(before.ephemeralContainerStatuses);
  });

  it('shows what it waits for', () => {
    const waiting = new Map([['debug', { reason: 'ErrImagePull', message: 'no such image' }]]);
    expect(podStatus(statusInput({ pod: withDebug(), waiting })).ephemeralContainerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ErrImagePull', message: 'no such image' } });
    expect(podStatus(statusInput({ pod: withDebug(), observed: observed([], [sandbox()]) })).ephemeralContainerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
  });

  test.each([
    ['ports', { ports: [{ containerPort: 80 }] }],
    ['livenessProbe', { livenessProbe: { exec: { command: ['true'] } } }],
    ['lifecycle', { lifecycle: { preStop: { exec: { command: ['true'] } } } }],
    ['resources', { resources: { limits: { cpu: '1' } } }],
  ])('may not have %s', (field, more) => {
    expect(faultText(faultsOf(rawPod({ ephemeralContainers: [{ ...debug, ...more }] })))).toContain(`spec.ephemeralContainers[0].${field}: must not be set for ephemeral containers`);
  });

  it('needs a name that no other container has', () => {
    expect(faultText(faultsOf(rawPod({ ephemeralContainers: [container('web')] })))).toContain('spec.ephemeralContainers[0].name: duplicate value: "web"');
  });
});
