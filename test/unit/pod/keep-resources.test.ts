import { describe, expect, it } from 'vitest';

import { containerHash, keepResources, podActions, podStatus, type PodCondition } from '../../../src/pod/index.ts';
import { actionsInput, container, observed, pod, running, statusInput } from './samples.ts';

const sized = (cpu: string, more = {}) => pod({ containers: [container('web', { resources: { limits: { cpu } }, ...more }), container('other')] });

describe('a change of a running pod', () => {
  it('leaves the resources of its containers as they are, and says which it asked for', () => {
    const { pod: kept, refused } = keepResources(sized('1'), sized('2', { image: 'newer:1' }));
    expect(kept.spec.containers[0]).toMatchObject({ image: 'newer:1', resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } });
    expect(refused).toEqual(['spec.containers[0].resources']);
  });

  it('gives no resources to a container that had none, and takes none away', () => {
    const { pod: kept, refused } = keepResources(pod({ containers: [container('web')] }), pod({ containers: [container('web', { resources: { requests: { memory: '1Gi' } } })] }));
    expect(kept.spec.containers[0]?.resources).toEqual({});
    expect(refused).toEqual(['spec.containers[0].resources']);
    expect(keepResources(sized('1'), pod({ containers: [container('web'), container('other')] })).pod.spec.containers[0]?.resources?.limits).toEqual({ cpu: '1' });
  });

  it('is taken as it is where the resources say the same in another order', () => {
    const of = (limits: Record<string, string>) => pod({ initContainers: [container('i', { resources: { limits } })] });
    const changed = of({ memory: '1Gi', cpu: '1' });
    expect(keepResources(of({ cpu: '1', memory: '1Gi' }), changed)).toEqual({ pod: changed, refused: [] });
  });

  it('restarts nothing but the container whose image is another one', () => {
    const before = pod({ containers: [container('a'), container('b')] });
    const runningAs = (name: string) => running(name, { hash: containerHash(before.spec.containers.find((one) => one.name === name) ?? { name }) });
    const now = observed([runningAs('a'), runningAs('b')]);
    const actionsOf = (spec: object, metadata = {}) => podActions(actionsInput({ pod: pod({ containers: [container('a'), container('b')], ...spec }, metadata), observed: now })).map((action) => [action.kind, 'name' in action ? action.name : '']);
    expect(actionsOf({ containers: [container('a', { image: 'newer:1' }), container('b')] })).toEqual([['kill-container', 'a'], ['start-container', 'a']]);
    expect(actionsOf({ activeDeadlineSeconds: 5 })).toEqual([]);
    expect(actionsOf({ tolerations: [{ operator: 'Exists' }] })).toEqual([]);
    expect(actionsOf({ terminationGracePeriodSeconds: 1 })).toEqual([]);
    expect(actionsOf({}, { labels: { a: 'b' }, annotations: { c: 'd' } })).toEqual([]);
    expect(actionsOf({ ephemeralContainers: [{ ...container('debug'), targetContainerName: 'a' }] })).toEqual([['start-container', 'debug']]);
  });
});

it('a refused resize is told as a condition, and no longer when it is taken back', () => {
  const refused = podStatus(statusInput({ resizeRefused: 'spec.containers[0].resources: no' }));
  const resize = (conditions: readonly PodCondition[] = []) => conditions.filter(({ type }) => type === 'PodResizePending');
  expect(resize(refused.conditions)).toEqual([{ type: 'PodResizePending', status: 'True', reason: 'Infeasible', message: 'spec.containers[0].resources: no', lastTransitionTime: '2026-01-02T03:04:05Z' }]);
  expect(resize(podStatus(statusInput({ previous: refused })).conditions)).toEqual([]);
});
