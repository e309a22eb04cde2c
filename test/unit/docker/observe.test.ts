import { expect, it } from 'vitest';
import { containerConfig, imageStatusId, imageStatusName, observe, sandboxConfig, type InspectedContainer } from '../../../src/docker/index.ts';
import { aContainer, aSandbox } from './a-pod.ts';

const CREATED = 1_700_000_000_000;
const base: InspectedContainer = {
  id: 'id-1',
  name: 'k8s_main_web_shop_uid_0',
  labels: containerConfig(aContainer()).Labels,
  image: 'sha256:abc',
  imageSha: 'sha256:abc',
  status: 'created',
  running: false,
  pid: 0,
  createdAt: CREATED,
  exitCode: 0,
  oomKilled: false,
  error: '',
  logPath: '/docker/log',
  resolvConfPath: '',
  tty: false,
  networkMode: 'container:sandbox-id',
  ips: [],
};
const started = { startedAt: CREATED + 10 };
const ended = { ...started, status: 'exited', finishedAt: CREATED + 20 };

it.each<[string, Partial<InspectedContainer>, object]>([
  ['one that was only created', {}, { state: 'created' }],
  ['one that runs', { ...started, status: 'running', running: true }, { state: 'running', startedAt: CREATED + 10 }],
  ['one that is paused', { ...started, status: 'paused', running: true }, { state: 'running' }],
  ['one that ended well', ended, { state: 'exited', exitCode: 0, startedAt: CREATED + 10, finishedAt: CREATED + 20, oomKilled: false }],
  ['one that failed', { ...ended, exitCode: 7 }, { state: 'exited', exitCode: 7 }],
  ['one that ran out of memory and still ended well', { ...ended, oomKilled: true }, { state: 'exited', exitCode: 0, oomKilled: true }],
  ['one killed without being out of memory', { ...ended, exitCode: 137 }, { state: 'exited', exitCode: 137, oomKilled: false }],
  ['one that could not start', { exitCode: 127, error: 'no such file' }, { state: 'exited', exitCode: 127, error: 'no such file', finishedAt: CREATED }],
  ['one that could not start, without a word', { exitCode: 128 }, { state: 'exited', exitCode: 128, finishedAt: CREATED }],
])('observes %s', (_what, change, expected) => {
  expect(observe({ ...base, ...change })).toMatchObject({
    id: 'id-1',
    kind: 'container',
    name: 'main',
    attempt: 0,
    image: 'nginx:latest',
    imageId: 'docker-pullable://nginx@sha256:def',
    hash: '1a2b',
    sandboxId: 'sandbox-id',
    createdAt: CREATED,
    ...expected,
  });
});

it('gives no end to what has not ended, and no start to what never started', () => {
  const running = observe({ ...base, ...started, running: true, exitCode: 0 });
  for (const key of ['finishedAt', 'exitCode', 'error', 'terminationMessage', 'ip', 'hostNetwork']) expect(running).not.toHaveProperty(key);
  expect(observe({ ...base, exitCode: 127, error: 'x' })).not.toHaveProperty('startedAt');
});

it('carries the termination message, if there is one', () => {
  expect(observe({ ...base, ...ended }, 'last words')?.terminationMessage).toBe('last words');
  expect(observe({ ...base, ...ended }, '')).not.toHaveProperty('terminationMessage');
});

it('observes a sandbox with its address and network', () => {
  const sandbox = { ...base, labels: sandboxConfig(aSandbox({ attempt: 4 })).Labels, running: true, ...started };
  const own = observe({ ...sandbox, networkMode: 'default', ips: ['172.17.0.2', 'fd00::2'] });
  expect(own).toMatchObject({ kind: 'sandbox', name: 'POD', attempt: 4, ips: ['172.17.0.2', 'fd00::2'], hostNetwork: false, state: 'running' });
  expect(own).not.toHaveProperty('sandboxId');
  const host = observe({ ...sandbox, networkMode: 'host' });
  expect(host).toMatchObject({ hostNetwork: true });
  expect(host).not.toHaveProperty('ip');
});

it('does not take somebody else’s container for ours', () => {
  expect(observe({ ...base, labels: { 'io.kubernetes.docker.type': 'container' } })).toBeUndefined();
});

it.each([
  [{ id: 'sha256:1', repoDigests: ['nginx@sha256:2', 'other@sha256:3'], repoTags: ['nginx:1'] }, 'docker-pullable://nginx@sha256:2', 'nginx:1'],
  [{ id: 'sha256:1', repoDigests: [], repoTags: [] }, 'docker://sha256:1', 'as-named'],
])('names an image as the kubelet does', (image, id, name) => {
  expect(imageStatusId(image)).toBe(id);
  expect(imageStatusName(image, 'as-named')).toBe(name);
});
