import type { ContainerInput, SandboxInput } from '../../../src/docker/index.ts';
import type { ValidPod } from '../../../src/pod/index.ts';

export const OWNER = { taskId: 'task-1', frameworkId: 'framework-1', executorId: 'executor-1' };

export function aPod(spec: Partial<ValidPod['spec']> = {}): ValidPod {
  return {
    metadata: { name: 'web', namespace: 'shop', uid: '3f1c8a52-0000-4000-8000-000000000001' },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, containers: [{ name: 'main', image: 'nginx' }], ...spec },
  };
}

export function aSandbox(more: Partial<SandboxInput> = {}): SandboxInput {
  return { pod: aPod(), attempt: 0, owner: OWNER, image: 'km/pause:1', hostname: 'web', oomScoreAdj: -998, ...more };
}

export function aContainer(more: Partial<ContainerInput> = {}): ContainerInput {
  return {
    pod: aPod(),
    container: { name: 'main', image: 'nginx' },
    attempt: 0,
    owner: OWNER,
    sandboxId: 'sandbox-id',
    image: { from: 'sha256:abc', name: 'nginx:latest', statusId: 'docker-pullable://nginx@sha256:def' },
    env: ['A=1', 'B=two words'],
    mounts: [],
    resources: { cpuShares: 2 },
    oomScoreAdj: 1000,
    hash: '1a2b',
    hashVersion: '1',
    logPath: '/var/log/pods/shop_web_uid/main/0.log',
    terminationMessageFile: '/km/pods/uid/containers/main/0123abcd',
    logLimit: { maxBytes: 10 * 2 ** 20, maxFiles: 5 },
    ...more,
  };
}
