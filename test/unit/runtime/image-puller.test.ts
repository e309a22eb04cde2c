import { describe, expect, it } from 'vitest';
import { KmError } from '../../../src/base/index.ts';
import { type Engine, type ImageInfo, PullError, type RegistryAuth } from '../../../src/docker/index.ts';
import { ImagePuller, NotStarted } from '../../../src/runtime/image-puller.ts';
import type { PullFailure } from '../../../src/runtime/index.ts';
import { ManualClock, settle } from '../../support/manual-clock.ts';

const IMAGE = { id: 'sha256:1', repoTags: ['nginx:latest'], repoDigests: [] } as unknown as ImageInfo;
const never = new AbortController().signal;

/** An Engine that knows some images and answers pulls as told. */
function engineWith({ present = false, pull = async () => undefined }: { present?: boolean; pull?: (signal: AbortSignal, auth?: RegistryAuth) => Promise<void> }) {
  const state = { present, pulls: 0 };
  const engine = {
    image: async () => (state.present ? IMAGE : undefined),
    pull: async (_ref: string, options: { signal: AbortSignal; auth?: RegistryAuth }) => {
      state.pulls += 1;
      await pull(options.signal, options.auth);
      state.present = true;
    },
  } as unknown as Engine;
  return { engine, state };
}

function setUp(options: Parameters<typeof engineWith>[0], offline = false) {
  const clock = new ManualClock();
  const { engine, state } = engineWith(options);
  const failures: PullFailure[] = [];
  const puller = new ImagePuller({ engine, clock, noProgressMs: 1000, offline, remember: (_uid, failure) => failures.push(failure) });
  const events: string[] = [];
  const ensure = (imagePullPolicy: string, uid = 'u-1', signal = never, more: { image?: string; credentials?: readonly RegistryAuth[] } = {}): Promise<ImageInfo> => {
    const container = { name: 'web', image: more.image ?? 'nginx', imagePullPolicy };
    return puller.ensure({ uid, container, tell: (_type, reason, message) => events.push(reason === 'Failed' ? message : reason), credentials: async () => more.credentials ?? [] }, signal);
  };
  return { clock, puller, state, events, failures, ensure };
}

async function waiting(start: Promise<unknown>): Promise<NotStarted> {
  const error: unknown = await start.then(() => undefined, (reason: unknown) => reason);
  if (!(error instanceof NotStarted)) throw new Error(`want NotStarted, got ${String(error)}`);
  return error;
}

describe('ImagePuller', () => {
  it.each([
    ['IfNotPresent', true, 0, ['Pulled']],
    ['IfNotPresent', false, 1, ['Pulling', 'Pulled']],
    ['Always', true, 1, ['Pulling', 'Pulled']],
    ['Never', true, 0, ['Pulled']],
  ])('policy %s with the image present: %s pulls %d times', async (policy, present, pulls, reasons) => {
    const { ensure, state, events } = setUp({ present });
    expect(await ensure(policy)).toBe(IMAGE);
    expect({ pulls: state.pulls, events }).toEqual({ pulls, events: reasons });
  });

  it('Never without the image waits with ErrImageNeverPull', async () => {
    const { ensure, state } = setUp({});
    const { waiting: why } = await waiting(ensure('Never'));
    expect(why).toEqual({ reason: 'ErrImageNeverPull', message: 'Container image "nginx" is not present with pull policy of Never' });
    expect(state.pulls).toBe(0);
  });

  it('backs off from 10 s, doubling to 300 s, and says so', async () => {
    const { clock, ensure, state, events } = setUp({ pull: () => Promise.reject(new KmError('not-found', 'manifest unknown')) });
    const waits: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      expect((await waiting(ensure('IfNotPresent'))).waiting.reason).toBe('ErrImagePull');
      const { waiting: why, retryAtMs = 0 } = await waiting(ensure('IfNotPresent'));
      expect(why).toEqual({ reason: 'ImagePullBackOff', message: 'Back-off pulling image "nginx"' });
      waits.push((retryAtMs - clock.now()) / 1000);
      await clock.advance(retryAtMs - clock.now());
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300]);
    expect(state.pulls).toBe(7);
    const failures = ['Failed to pull image "nginx": manifest unknown', 'Error: ErrImagePull', 'Error: ImagePullBackOff'];
    expect(new Set(events)).toEqual(new Set(['Pulling', 'BackOff', ...failures]));
  });

  it('pulls again at once where the wall clock was set back: nobody waits longer than the back-off', async () => {
    const { clock, ensure, state } = setUp({ pull: () => Promise.reject(new KmError('not-found', 'manifest unknown')) });
    await waiting(ensure('IfNotPresent'));
    clock.set(-3_600_000);
    await waiting(ensure('IfNotPresent'));
    expect(state.pulls).toBe(2);
  });

  it('goes on with the back-off of the process before it, and starts over after a success', async () => {
    let works = false;
    const failing = async (): Promise<void> => {
      if (!works) throw new KmError('unavailable', 'no route');
    };
    const before = setUp({ pull: failing });
    await waiting(before.ensure('IfNotPresent'));
    expect(before.failures).toMatchObject([{ container: 'web', image: 'nginx', delayMs: 10_000 }]);
    const { clock, puller, failures, ensure, state } = setUp({ pull: failing });
    await clock.advance(before.clock.now() - clock.now());
    puller.restore('u-1', before.failures);
    expect((await waiting(ensure('IfNotPresent'))).waiting.reason).toBe('ImagePullBackOff');
    expect(state.pulls).toBe(0);
    await clock.advance(10_000);
    await waiting(ensure('IfNotPresent'));
    expect(failures).toMatchObject([{ delayMs: 20_000 }]);
    works = true;
    await clock.advance(20_000);
    await ensure('IfNotPresent');
    expect(failures.at(-1)).toMatchObject({ delayMs: 0 });
    works = state.present = false;
    puller.restore('u-1', failures);
    await waiting(ensure('IfNotPresent'));
    expect(failures.at(-1)).toMatchObject({ delayMs: 10_000 });
  });

  it('forgets the failures of a pod that is over', async () => {
    const { ensure, puller, state } = setUp({ pull: () => Promise.reject(new KmError('not-found', 'no')) });
    await waiting(ensure('IfNotPresent'));
    puller.forget('u-1');
    await waiting(ensure('IfNotPresent'));
    expect(state.pulls).toBe(2);
  });

  it('pulls once for pods that want the same image, and ends the pull when nobody waits any more', async () => {
    const aborted: boolean[] = [];
    const { ensure, state } = setUp({
      pull: (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted.push(true);
            reject(new KmError('aborted', 'aborted'));
          });
        }),
    });
    const [one, two] = [new AbortController(), new AbortController()];
    const starts = [ensure('IfNotPresent', 'u-1', one.signal), ensure('IfNotPresent', 'u-2', two.signal)];
    const ends = Promise.allSettled(starts);
    await settle();
    expect(state.pulls).toBe(1);
    one.abort();
    await settle();
    expect(aborted).toEqual([]);
    two.abort();
    expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(aborted).toEqual([true]);
  });

  const [wrong, right, other] = ['wrong', 'right', 'other'].map((username) => ({ username, password: 'p' })) as [RegistryAuth, RegistryAuth, RegistryAuth];

  it('tries one credential after the other', async () => {
    const tried: unknown[] = [];
    const { ensure, events } = setUp({
      pull: async (_signal, auth) => {
        tried.push(auth?.username);
        if (auth !== right) throw new PullError('denied', 'unauthorized', false);
      },
    });
    expect(await ensure('IfNotPresent', 'u-1', never, { credentials: [wrong, right, other] })).toBe(IMAGE);
    expect({ tried, events }).toEqual({ tried: ['wrong', 'right'], events: ['Pulling', 'Pulled'] });
  });

  it.each([
    ['the same for all', () => new PullError('denied', 'unauthorized', false), 2, 'ErrImagePull', 'unauthorized'],
    ['different', (auth?: RegistryAuth) => new PullError('denied', `no ${auth?.username}`, false), 2, 'ErrImagePull', '[no wrong, no other]'],
    ['a registry that is away', () => new PullError('unavailable', '503', true), 1, 'RegistryUnavailable', '503'],
    ['no progress', () => new KmError('timeout', 'no progress'), 1, 'ErrImagePull', 'no progress'],
  ])('when none will do, the failure is told: %s', async (_what, failure, pulls, reason, message) => {
    const { ensure, state } = setUp({ pull: (_signal, auth) => Promise.reject(failure(auth)) });
    expect((await waiting(ensure('IfNotPresent', 'u-1', never, { credentials: [wrong, other] }))).waiting).toEqual({ reason, message });
    expect(state.pulls).toBe(pulls);
  });

  it('shares no pull between pods with different credentials', async () => {
    const going = Promise.withResolvers<void>();
    const { ensure, state } = setUp({ pull: () => going.promise });
    const starts = [wrong, right, right].map((auth, i) => ensure('IfNotPresent', `u-${i}`, never, { credentials: [auth] }));
    await settle();
    expect(state.pulls).toBe(2);
    going.resolve();
    await Promise.all(starts);
  });

  it('waits with InvalidImageName for what is no name of an image', async () => {
    const { ensure, state, events } = setUp({ present: true });
    const message = 'Failed to apply default image tag "Web": couldn\'t parse image reference "Web": invalid reference format: repository name must be lowercase';
    expect((await waiting(ensure('IfNotPresent', 'u-1', never, { image: 'Web' }))).waiting).toEqual({ reason: 'InvalidImageName', message });
    expect({ pulls: state.pulls, events }).toEqual({ pulls: 0, events: ['InspectFailed', 'Error: InvalidImageName'] });
  });

  it.each([
    [true, 'unavailable' as const, 'runs'],
    [false, 'unavailable' as const, 'waits'],
    [true, 'denied' as const, 'waits'],
  ])('offline images allowed: %s, registry %s: the pod %s', async (offline, code, outcome) => {
    const { ensure } = setUp({ present: true, pull: () => Promise.reject(new KmError(code, 'no')) }, offline);
    if (outcome === 'runs') expect(await ensure('Always')).toBe(IMAGE);
    else expect((await waiting(ensure('Always'))).waiting.reason).toBe('ErrImagePull');
  });
});
