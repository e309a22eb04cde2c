import { describe, expect, it } from 'vitest';
import { hasStorageLimits, storageExcess, type ValidPod } from '../../../src/pod/index.ts';

const Mi = 2 ** 20;
const limited = (name: string, limit?: string): object => ({ name, image: 'i', ...(limit !== undefined && { resources: { limits: { 'ephemeral-storage': limit } } }) });
const pod = (spec: object): ValidPod => ({ metadata: { name: 'p', namespace: 'd', uid: 'u' }, spec: { containers: [limited('main')], ...spec } }) as unknown as ValidPod;
const scratch = (emptyDir: object): object => ({ volumes: [{ name: 'scratch', emptyDir }] });
const use = (volumes: Record<string, number>, containers: Record<string, number> = {}, files = 0): Parameters<typeof storageExcess>[1] => ({
  volumes: new Map(Object.entries(volumes)),
  containers: new Map(Object.entries(containers)),
  files,
});

describe('whether a pod has limits of what it takes on the disk', () => {
  it.each<[string, boolean, ValidPod]>([
    ['nothing is said', false, pod({})],
    ['an empty directory has a limit', true, pod(scratch({ sizeLimit: '1Mi' }))],
    ['its limit is zero, which is none', false, pod(scratch({ sizeLimit: '0' }))],
    ['it is in memory, where it cannot grow beyond it', false, pod(scratch({ sizeLimit: '1Mi', medium: 'Memory' }))],
    ['a container has one', true, pod({ containers: [limited('main', '1Mi')] })],
    ['an init container has one', true, pod({ initContainers: [limited('init', '1Mi')] })],
    ['the node lives on the pod', false, pod({ containers: [limited('main', '1Mi')], priority: 2_000_000_000 })],
  ])('%s: %s', (_, expected, given) => {
    expect(hasStorageLimits(given)).toBe(expected);
  });
});

describe('which limit a pod has passed', () => {
  const two = pod({ containers: [limited('a', '4Mi'), limited('b', '2Mi')], volumes: [{ name: 'scratch', emptyDir: {} }] });
  it.each<[string, ValidPod, ReturnType<typeof use>, string | undefined]>([
    ['as much as an empty directory may have', pod(scratch({ sizeLimit: '1Mi' })), use({ scratch: Mi }), undefined],
    ['a byte more', pod(scratch({ sizeLimit: '1Mi' })), use({ scratch: Mi + 1 }), 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". '],
    ['an empty directory nobody has measured', pod(scratch({ sizeLimit: '1Mi' })), use({}), undefined],
    ['all together as much as all may have', two, use({ scratch: 3 * Mi }, { a: 2 * Mi, b: Mi }), undefined],
    ['all together more', two, use({ scratch: 3 * Mi + 1 }, { a: 2 * Mi, b: Mi }), 'Pod ephemeral local storage usage exceeds the total limit of containers 6Mi. '],
    ['with what is in the hosts file', two, use({ scratch: 3 * Mi }, { a: 2 * Mi }, Mi + 1), 'Pod ephemeral local storage usage exceeds the total limit of containers 6Mi. '],
    ['one container more than its own', two, use({}, { b: 2 * Mi + 1 }), 'Container b exceeded its local ephemeral storage limit "2Mi". '],
    ['one without a limit beside one that has it', pod({ containers: [limited('a'), limited('b', '2Mi')] }), use({}, { a: Mi }), undefined],
  ])('%s', (_, given, taken, expected) => {
    expect(storageExcess(given, taken)).toBe(expected);
  });
});
