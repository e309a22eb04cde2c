import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { claimedVolume, isReadOnlyVolume, isSelected, isVolumeOn, type PersistentVolume, type PersistentVolumeClaim, volumeNameOf } from '../../../src/pod/index.ts';

type Selector = { nodeSelectorTerms: [] };
type Spec = NonNullable<PersistentVolume['spec']>;
const claim = (more: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim => ({ metadata: { name: 'data', uid: 'c1' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' }, ...more });
const volume = (spec: Spec): PersistentVolume => ({ metadata: { name: 'pv' }, spec: { claimRef: { uid: 'c1' }, capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], ...spec } });
const POD_VOLUME = { name: 'v', persistentVolumeClaim: { claimName: 'data' } };

describe('a claim', () => {
  it('that is bound names its volume', () => expect(volumeNameOf(claim())).toBe('pv'));

  test.each<[string, Partial<PersistentVolumeClaim>]>([
    ['PVC is being deleted', { metadata: { uid: 'c1', deletionTimestamp: '2026-01-01T00:00:00Z' } }],
    ['PVC is not bound', { status: { phase: 'Pending' } }],
    ['PVC is not bound', { status: { phase: 'Lost' } }],
    ['PVC is not bound', { status: {} }],
    ['PVC has empty pvc.Spec.VolumeName', { spec: {} }],
  ])('is waited for: %s', (message, more) => {
    expect(() => volumeNameOf(claim(more))).toThrow(expect.objectContaining({ code: 'workload', message }) as Error);
  });
});

describe('what a claim has got', () => {
  test.each<[string, Spec, object]>([
    ['a path of the node', { hostPath: { path: '/p' } }, { source: { kind: 'hostPath', path: '/p', type: '' }, readOnly: false, mountOptions: [] }],
    ['a checked path', { hostPath: { path: '/p', type: 'Directory' } }, { source: { kind: 'hostPath', path: '/p', type: 'Directory' } }],
    ['a local directory', { local: { path: '/p' }, mountOptions: ['noatime'] }, { source: { kind: 'local', path: '/p' }, mountOptions: ['noatime'] }],
    ['a file server', { nfs: { server: 's', path: '/x', readOnly: true } }, { source: { kind: 'nfs', server: 's', path: '/x' }, readOnly: true }],
  ])('is %s', (_what, spec, expected) => {
    expect(claimedVolume(volume(spec), claim(), POD_VOLUME)).toMatchObject({ name: 'pv', ...expected });
  });

  test.each<[string, number | undefined]>([['1777', 1777], ['0', 0], ['staff', undefined], ['-1', undefined], ['', undefined]])('belongs to the group %j', (gid, expected) => {
    const found = { ...volume({ local: { path: '/p' } }), metadata: { name: 'pv', annotations: { 'pv.beta.kubernetes.io/gid': gid } } };
    expect(claimedVolume(found, claim(), POD_VOLUME).group).toBe(expected);
  });

  it('is read-only where the pod wants it so', () => {
    const readOnly = { name: 'v', persistentVolumeClaim: { claimName: 'data', readOnly: true } };
    expect(claimedVolume(volume({ local: { path: '/p' } }), claim(), readOnly).readOnly).toBe(true);
    expect(isReadOnlyVolume(readOnly)).toBe(true);
    expect(isReadOnlyVolume(POD_VOLUME)).toBe(false);
    expect(isReadOnlyVolume({ name: 'v', nfs: { server: 's', path: '/', readOnly: true } })).toBe(true);
  });

  test.each<[string, PersistentVolume]>([
    ['found PV object pv but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim', { metadata: { name: 'pv' }, spec: { local: { path: '/p' } } }],
    ['found PV object pv but its pv.Spec.ClaimRef.UID other does not point to claim.UID c1', volume({ local: { path: '/p' }, claimRef: { uid: 'other' } })],
    ['found PV object pv but its pv.Spec.ClaimRef.UID  does not point to claim.UID c1', volume({ local: { path: '/p' }, claimRef: {} })],
    ['volume v has volumeMode Block, but is specified in volumeMounts', volume({ local: { path: '/dev/sda' }, volumeMode: 'Block' })],
    ['not supported: PV pv is of kind csi; a claim has to be bound to a PV of kind hostPath, local or nfs', volume({ csi: { driver: 'd', volumeHandle: 'h' } })],
    ['not supported: PV pv is of kind no kind; a claim has to be bound to a PV of kind hostPath, local or nfs', volume({})],
  ])('cannot be had: %s', (message, found) => {
    expect(() => claimedVolume(found, claim(), POD_VOLUME)).toThrow(expect.objectContaining({ code: 'workload', message }) as Error);
  });
});

describe('a node selector', () => {
  const node = { name: 'n1', labels: { zone: 'a', size: '10', empty: '' } };
  const expression = (key: string, operator: string, ...values: string[]): object => ({ nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] });
  const field = (value: string): object => ({ nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [value] }] }] });

  test.each<[boolean, object]>([
    [true, expression('zone', 'In', 'a', 'b')],
    [false, expression('zone', 'In', 'b')],
    [false, expression('none', 'In', 'a')],
    [false, expression('toString', 'Exists')],
    [true, expression('zone', 'NotIn', 'b')],
    [false, expression('zone', 'NotIn', 'a')],
    [true, expression('none', 'NotIn', 'a')],
    [true, expression('empty', 'Exists')],
    [false, expression('empty', 'DoesNotExist')],
    [true, expression('none', 'DoesNotExist')],
    [true, expression('size', 'Gt', '9')],
    [false, expression('size', 'Gt', '10')],
    [true, expression('size', 'Lt', '11')],
    [false, expression('zone', 'Lt', '11')],
    [false, expression('size', 'Gt')],
    [false, expression('zone', 'Like', 'a')],
    [true, field('n1')],
    [false, field('n2')],
    [false, { nodeSelectorTerms: [] }],
    [false, { nodeSelectorTerms: [{}] }],
    [true, { nodeSelectorTerms: [{}, ...(expression('zone', 'Exists') as { nodeSelectorTerms: [] }).nodeSelectorTerms] }],
    [false, { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }] }],
  ])('means it (%s): %j', (expected, selector) => {
    expect(isSelected(node, selector as Selector)).toBe(expected);
    expect(isVolumeOn(volume({ local: { path: '/p' }, nodeAffinity: { required: selector as Selector } }), node)).toBe(expected);
  });

  it('is not asked where a volume has none', () => expect(isVolumeOn(volume({ local: { path: '/p' } }), node)).toBe(true));

  it('and its negation never both hold', () => {
    const pairs = fc.constantFrom(['In', 'NotIn'] as const, ['Exists', 'DoesNotExist'] as const);
    fc.assert(fc.property(fc.constantFrom('zone', 'size', 'empty', 'none'), pairs, fc.array(fc.constantFrom('a', '10', '')), (key, [one, other], values) => {
      const holds = (operator: string): boolean => isSelected(node, { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] });
      expect(holds(one)).toBe(!holds(other));
    }));
  });
});
