import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { containerResources, oomScoreAdj, qosClass, type ResourceRequirements } from '../../../src/pod/index.ts';
import { container, pod } from './samples.ts';

const GIB = 2n ** 30n;
const podOf = (...resources: ResourceRequirements[]): ReturnType<typeof pod> => pod({ containers: resources.map((r, i) => container(`c${i}`, { resources: r })) });
const firstOf = (resources: ResourceRequirements) => podOf(resources).spec.containers[0] ?? container('none');

describe('cgroup settings', () => {
  test.each<[ResourceRequirements, ReturnType<typeof containerResources>]>([
    [{}, { cpuShares: 2 }],
    [{ requests: { cpu: '1m' } }, { cpuShares: 2 }],
    [{ requests: { cpu: '100m' } }, { cpuShares: 102 }],
    [{ requests: { cpu: '1' } }, { cpuShares: 1024 }],
    [{ limits: { cpu: '500m' } }, { cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000 }],
    [{ limits: { cpu: '1m' } }, { cpuShares: 2, cpuQuota: 1000, cpuPeriod: 100_000 }],
    [{ limits: { cpu: '2', memory: '1.5Gi' }, requests: { cpu: '1' } }, { cpuShares: 1024, cpuQuota: 200_000, cpuPeriod: 100_000, memoryBytes: 1_610_612_736n }],
    [{ limits: { memory: '100M' } }, { cpuShares: 2, memoryBytes: 100_000_000n }],
    [{ requests: { cpu: '1000' } }, { cpuShares: 262_144 }],
    [{ limits: { memory: '0' } }, { cpuShares: 2 }],
  ])('%j', (resources, expected) => {
    expect(containerResources(firstOf(resources))).toEqual(expected);
  });
});

it('a container that has not been through the defaults asks for what it is limited to', () => {
  expect(containerResources(container('raw', { resources: { limits: { cpu: '500m' } } })).cpuShares).toBe(512);
});

describe('quality of service', () => {
  const both = { cpu: '1', memory: '1Gi' };
  test.each<[string, ResourceRequirements[]]>([
    ['BestEffort', [{}]],
    ['BestEffort', [{ requests: { cpu: '0' } }]],
    ['BestEffort', [{ requests: { 'ephemeral-storage': '1Gi' } }]],
    ['Guaranteed', [{ limits: both }]],
    ['Guaranteed', [{ limits: both, requests: { cpu: '1000m', memory: '1024Mi' } }, { limits: both }]],
    ['Burstable', [{ limits: both }, {}]],
    ['Burstable', [{ limits: { cpu: '1' } }]],
    ['Burstable', [{ limits: both, requests: { cpu: '500m' } }]],
    ['Burstable', [{ requests: { memory: '1Mi' } }]],
  ])('%s: %j', (expected, resources) => {
    expect(qosClass(podOf(...resources))).toBe(expected);
  });

  it('counts init containers too', () => {
    expect(qosClass(pod({ initContainers: [container('a')], containers: [container('b', { resources: { limits: both } })] }))).toBe('Burstable');
  });
});

describe('oom_score_adj', () => {
  test.each<[string, number, ResourceRequirements]>([
    ['guaranteed', -997, { limits: { cpu: '1', memory: '1Gi' } }],
    ['best effort', 1000, {}],
    ['burstable, half the memory', 500, { requests: { memory: '2Gi' } }],
    ['burstable, next to nothing', 999, { requests: { memory: '1' } }],
    ['burstable, no memory asked', 999, { requests: { cpu: '1' } }],
    ['burstable, more than there is', 3, { requests: { memory: '8Gi' } }],
  ])('%s: %i', (_name, expected, resources) => {
    expect(oomScoreAdj(podOf(resources), firstOf(resources), 4n * GIB)).toBe(expected);
  });

  it('is that of a guaranteed pod for one that the node cannot do without', () => {
    expect(oomScoreAdj(pod({ priority: 2_000_000_000 }), container('web'), GIB)).toBe(-997);
    expect(oomScoreAdj(pod({}, { annotations: { 'kubernetes.io/config.source': 'file' } }), container('web'), GIB)).toBe(-997);
    expect(oomScoreAdj(pod({}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), container('web'), GIB)).toBe(-997);
    expect(oomScoreAdj(pod({}, { annotations: { 'kubernetes.io/config.source': 'api' } }), container('web'), GIB)).toBe(1000);
  });

  it('of a burstable container lies between the other two, whatever it asks for', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 50n }), fc.bigInt({ min: 0n, max: 2n ** 45n }), (request, node) => {
        const resources = { requests: { memory: String(request) } };
        const score = oomScoreAdj(podOf(resources), firstOf(resources), node);
        expect(score).toBeGreaterThanOrEqual(3);
        expect(score).toBeLessThanOrEqual(node === 0n ? 1000 : 999);
      }),
    );
  });
});
