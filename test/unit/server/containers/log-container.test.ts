import { describe, expect, test } from 'vitest';
import type { ContainerStatus, PodStatus } from '../../../../src/pod/index.ts';
import { logContainerId } from '../../../../src/server/containers/log-container.ts';
import { container, observed, pod } from '../../pod/samples.ts';

type State = NonNullable<ContainerStatus['state']>;
const terminated = (id?: string): State => ({ terminated: { exitCode: 0, ...(id !== undefined && { containerID: `docker://${id}` }) } });
const waiting = (reason: string): State => ({ waiting: { reason } });
const running = { running: { startedAt: '2026-01-01T00:00:00Z' } };

/** What is answered for the container of that status: its id, or the words of the refusal. */
function asked(status: Partial<ContainerStatus> | undefined, previous = false, name = 'web', list: keyof PodStatus = 'containerStatuses'): string {
  const spec = pod({ initContainers: [container('setup')], ephemeralContainers: [container('debug')] });
  const statuses = status === undefined ? [] : [{ name, image: '', imageID: '', ready: false, restartCount: 0, ...status }];
  try {
    return logContainerId({ pod: spec, status: { [list]: statuses }, observed: observed([]) }, name, previous);
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
}

describe('the container whose log is meant', () => {
  test.each<[string, string, string]>([
    ['the one that runs', asked({ containerID: 'docker://now', state: running, lastState: terminated('before') }), 'now'],
    ['the one that has ended', asked({ containerID: 'docker://now', state: terminated('now'), lastState: terminated('before') }), 'now'],
    ['the last one that ran, where the next did not start', asked({ state: terminated(), lastState: terminated('before') }), 'before'],
    ['the last one that ran, while its restart is backed off', asked({ state: waiting('CrashLoopBackOff'), lastState: terminated('before') }), 'before'],
    ['the one before', asked({ containerID: 'docker://now', state: running, lastState: terminated('before') }, true), 'before'],
    ['an init container', asked({ containerID: 'docker://init', state: terminated('init') }, false, 'setup', 'initContainerStatuses'), 'init'],
    ['an ephemeral container', asked({ containerID: 'docker://look', state: running }, false, 'debug', 'ephemeralContainerStatuses'), 'look'],
  ])('is %s', (_what, got, id) => expect(got).toBe(id));

  const where = 'container "web" in pod "web"';
  test.each<[string, string, string]>([
    ['no such container', asked(undefined, false, 'other'), 'not-found: container "other" not found in pod "web"'],
    ['no status yet', asked(undefined), `invalid: ${where} is not available`],
    ['none before', asked({ containerID: 'docker://now', state: running }, true), `invalid: previous terminated ${where} not found`],
    ['none before that is known', asked({ state: running, lastState: terminated() }, true), `invalid: previous terminated ${where} not found`],
    ['none of which anything is known', asked({ state: terminated() }), `invalid: ${where} is terminated`],
    ['being created', asked({ state: waiting('ContainerCreating') }), `invalid: ${where} is waiting to start: ContainerCreating`],
    ['waiting for init containers', asked({ state: waiting('PodInitializing') }), `invalid: ${where} is waiting to start: PodInitializing`],
    ['without an image', asked({ state: waiting('ErrImagePull') }), `invalid: ${where} is waiting to start: image can't be pulled`],
    ['without an image for a while', asked({ state: waiting('ImagePullBackOff') }), `invalid: ${where} is waiting to start: trying and failing to pull image`],
    ['in no state', asked({ state: {} }), `invalid: ${where} is waiting to start - no logs yet`],
  ])('is refused: %s', (_what, got, words) => expect(got).toBe(words));
});
