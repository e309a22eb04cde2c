import { describe, expect, it, test } from 'vitest';
import { type Allocatable, type Pod, type PodSpec, type Refusal, refusalOf, remainsOf, type ResourceRequirements, type ValidPod } from '../../../src/pod/index.ts';
import { container, pod } from './samples.ts';

const asking = (...requests: NonNullable<ResourceRequirements['requests']>[]): ValidPod => pod({ containers: requests.map((r, i) => container(`c${i}`, { resources: { requests: r } })) });
const NODE = { name: 'node-1', labels: { zone: 'a', cores: '8', ['__proto__x']: '' } };
const PLENTY: Allocatable = { pods: 110, cpuMilli: 4000n, memoryBytes: 2n ** 30n, ephemeralStorageBytes: 2n ** 30n };

describe('resources', () => {
  test.each<[string, ValidPod, ValidPod[], Partial<Allocatable>, Partial<Refusal> | undefined]>([
    ['nothing asked for', pod(), [], {}, undefined],
    ['just as much as there is', asking({ cpu: '4' }), [], {}, undefined],
    ['one thousandth too much', asking({ cpu: '4001m' }), [], {}, { reason: 'OutOfcpu', message: "Node didn't have enough resource: cpu, requested: 4001, used: 0, capacity: 4000" }],
    ['containers together', asking({ cpu: '3' }, { cpu: '2' }), [], {}, { reason: 'OutOfcpu' }],
    ['what others have', asking({ memory: '512Mi' }), [asking({ memory: '513Mi' })], {}, { reason: 'OutOfmemory', message: `Node didn't have enough resource: memory, requested: ${512 * 2 ** 20}, used: ${513 * 2 ** 20}, capacity: ${2 ** 30}` }],
    ['a disk', asking({ 'ephemeral-storage': '2Gi' }), [], {}, { reason: 'OutOfephemeral-storage' }],
    ['a disk of which nothing is known', asking({ 'ephemeral-storage': '2Gi' }), [], { ephemeralStorageBytes: undefined as never }, undefined],
    ['one pod too many', pod(), [pod(), pod()], { pods: 2 }, { reason: 'OutOfpods', message: "Node didn't have enough resource: pods, requested: 1, used: 2, capacity: 2" }],
    ['a full node, of which this pod wants nothing', pod(), [asking({ cpu: '9' })], {}, undefined],
    ['an init container that wants more than all others', pod({ initContainers: [container('i', { resources: { requests: { cpu: '5' } } })] }), [], {}, { reason: 'OutOfcpu' }],
    ['limits, which become requests', pod({ containers: [container('a', { resources: { limits: { cpu: '5' } } })] }), [], {}, { reason: 'OutOfcpu' }],
  ])('%s', (_what, given, others, allocatable, expected) => {
    const refusal = refusalOf({ pod: given, others, allocatable: { ...PLENTY, ...allocatable }, node: NODE });
    if (expected === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatchObject(expected);
  });
});

describe('ports of the node', () => {
  type Port = NonNullable<ReturnType<typeof container>['ports']>[number];
  const listening = (...ports: Partial<Port>[]): ValidPod => pod({ containers: [container('c', { ports: ports.map((port) => ({ containerPort: 80, protocol: 'TCP', ...port })) })] });
  const port = (more: Partial<Port> = {}): ValidPod => listening({ hostPort: 8080, ...more });
  const sidecar = pod({ initContainers: [container('s', { restartPolicy: 'Always', ports: [{ containerPort: 80, hostPort: 8080, protocol: 'TCP' }] })] });
  const init = pod({ initContainers: [container('i', { ports: [{ containerPort: 80, hostPort: 8080, protocol: 'TCP' }] })] });

  test.each<[string, ValidPod, ValidPod[], boolean]>([
    ['nobody has', port(), [], false],
    ['another pod has', port(), [port()], true],
    ['another protocol has', port({ protocol: 'UDP' }), [port()], false],
    ['of another number', port({ hostPort: 8081 }), [port()], false],
    ['at another address', port({ hostIP: '127.0.0.1' }), [port({ hostIP: '127.0.0.2' })], false],
    ['at the same address', port({ hostIP: '127.0.0.1' }), [port({ hostIP: '127.0.0.1' })], true],
    ['at one of all addresses', port({ hostIP: '127.0.0.1' }), [port({ hostIP: '0.0.0.0' })], true],
    ['at all addresses, one of which is taken', port(), [port({ hostIP: '127.0.0.1' })], true],
    ['at all addresses of IPv6', port({ hostIP: '::' }), [port({ hostIP: '::1' })], false],
    ['among others', listening({ hostPort: 1 }, { hostPort: 2 }), [listening({}, { hostPort: 2 })], true],
    ["with the host's network", pod({ hostNetwork: true, containers: [container('c', { ports: [{ containerPort: 8080 }] })] }), [port()], true],
    ['of a sidecar', port(), [sidecar], true],
    ['of an init container, which ends', port(), [init], false],
  ])('%s', (_what, given, others, taken) => {
    const refusal = refusalOf({ pod: given, others, allocatable: PLENTY, node: NODE });
    expect(refusal).toEqual(taken ? { reason: 'NodePorts', message: 'Predicate NodePorts failed' } : undefined);
  });
});

describe('the node that a pod wants', () => {
  const affinity = (...nodeSelectorTerms: unknown[]): Partial<PodSpec> => ({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } } as Partial<PodSpec>);
  const expressions = (key: string, operator: string, ...values: string[]): unknown => ({ matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }] });
  test.each<[string, Partial<PodSpec>, boolean]>([
    ['any', {}, true],
    ['a label that it has', { nodeSelector: { zone: 'a' } }, true],
    ['a label with another value', { nodeSelector: { zone: 'b' } }, false],
    ['a label that it has not', { nodeSelector: { disk: 'ssd' } }, false],
    ['what every object has', { nodeSelector: { constructor: 'x' } }, false],
    ['In', affinity(expressions('zone', 'In', 'b', 'a')), true],
    ['In, absent', affinity(expressions('disk', 'In', 'ssd')), false],
    ['NotIn', affinity(expressions('zone', 'NotIn', 'a')), false],
    ['NotIn, absent', affinity(expressions('disk', 'NotIn', 'ssd')), true],
    ['Exists', affinity(expressions('zone', 'Exists')), true],
    ['DoesNotExist', affinity(expressions('zone', 'DoesNotExist')), false],
    ['Gt', affinity(expressions('cores', 'Gt', '7')), true],
    ['Gt of the same', affinity(expressions('cores', 'Gt', '8')), false],
    ['Lt', affinity(expressions('cores', 'Lt', '10')), true],
    ['Lt of no number', affinity(expressions('zone', 'Lt', '10')), false],
    ['an operator that nobody knows', affinity(expressions('zone', 'Near', 'a')), false],
    ['one term of two', affinity(expressions('zone', 'In', 'b'), expressions('zone', 'In', 'a')), true],
    ['no term', affinity(), false],
    ['a term without requirements', affinity({}), false],
    ['the node by name', affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }), true],
    ['another node by name', affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-2'] }] }), false],
    ['selector and affinity, of which one fails', { nodeSelector: { zone: 'b' }, ...affinity(expressions('zone', 'Exists')) }, false],
    ['what it would only like', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } }, true],
  ])('%s', (_what, spec, fits) => {
    const refusal = refusalOf({ pod: pod(spec), others: [], allocatable: PLENTY, node: NODE });
    expect(refusal).toEqual(fits ? undefined : { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' });
  });

  it('is not looked at while nothing is known of the node', () => {
    expect(refusalOf({ pod: pod({ nodeSelector: { zone: 'b' } }), others: [], allocatable: PLENTY, node: undefined })).toBeUndefined();
  });
});

describe('what remains of a pod that is refused', () => {
  it('is its identity, with nothing to run', () => {
    const remains = remainsOf({ metadata: { name: 'a', namespace: 'n', uid: 'u' }, spec: { containers: 'none of your business' } } as unknown as Pod);
    expect(remains?.metadata).toMatchObject({ name: 'a', namespace: 'n', uid: 'u' });
    expect(remains?.spec).toMatchObject({ containers: [], terminationGracePeriodSeconds: 0 });
  });
  test.each<[string, unknown]>([
    ['nothing at all', {}],
    ['no uid', { name: 'a', namespace: 'n' }],
    ['a uid that is a path', { name: 'a', namespace: 'n', uid: '../../etc' }],
    ['a name that is a path', { name: '../a', namespace: 'n', uid: 'u' }],
    ['a name that is none', { name: 7, namespace: 'n', uid: 'u' }],
  ])('is nothing when there is %s', (_what, metadata) => {
    expect(remainsOf({ metadata } as Pod)).toBeUndefined();
  });
});
