import { createHash } from 'node:crypto';
import { aborted, type Clock, isCode, KmError, messageOf } from '../base/index.ts';
import { type Engine, type ImageInfo, PullError, type RegistryAuth, repositoryOf } from '../docker/index.ts';
import type { Container, WaitingReason } from '../pod/index.ts';
import type { PullFailure } from './known.ts';
import { isPassing } from './passing.ts';
import { pullImage } from './pull-image.ts';

const INITIAL_BACKOFF_MS = 10_000;
const MAX_BACKOFF_MS = 300_000;

export interface ImagePullerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** A pull without any progress for so long is given up, milliseconds. */
  readonly noProgressMs: number;
  /** When a registry cannot be reached, an image that is present will do for the policy Always too. The kubelet has no such thing. */
  readonly offline: boolean;
  /** For the process after this one: a pull has failed, or at last not (`delayMs` 0). */
  readonly remember: (uid: string, failure: PullFailure) => void;
}

/** Tells of what happens to a container's image: an event on the pod. */
export type ImageEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

/** Why a container cannot start now, and when to try again (milliseconds since the epoch; absent: when something changes). */
export class NotStarted extends Error {
  readonly waiting: WaitingReason;
  readonly retryAtMs: number | undefined;

  constructor(waiting: WaitingReason, retryAtMs?: number, options?: { cause?: unknown }) {
    super(waiting.message ?? waiting.reason, options);
    this.waiting = waiting;
    this.retryAtMs = retryAtMs;
  }
}

/** What is wanted: for which pod, whom to tell, and with what it may be pulled (asked only when it is). */
export interface ImageWanted {
  readonly uid: string;
  readonly container: Container;
  readonly tell: ImageEvent;
  readonly credentials: () => Promise<readonly RegistryAuth[]>;
}

/**
 * Makes a container's image available as its pull policy says (Kubernetes v1.20 pkg/kubelet/images/image_manager.go). A pull that
 * fails is tried again after 10 s, doubling to 300 s per image and pod. Pods that want the same image with the same credentials share one pull.
 */
export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #pulls = new Map<string, { done: Promise<void>; users: number; stop: AbortController }>();
  /** By pod, container and image. */
  readonly #failures = new Map<string, PullFailure>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
  }

  /** The image, present. Throws `NotStarted` with the kubelet's waiting reasons. */
  async ensure(wanted: ImageWanted, signal: AbortSignal): Promise<ImageInfo> {
    const { tell, container: { image: ref = '' } } = wanted;
    try {
      this.#checkName(ref, tell);
      return await this.#ensure(wanted, ref, signal);
    } catch (error) {
      if (error instanceof NotStarted) tell('Warning', 'Failed', `Error: ${error.waiting.reason}`);
      throw error;
    }
  }

  async #ensure(wanted: ImageWanted, ref: string, signal: AbortSignal): Promise<ImageInfo> {
    const { engine } = this.#options;
    const { tell, container: { imagePullPolicy: policy } } = wanted;
    const present = await engine.image(ref, signal).catch((error: unknown) => {
      if (signal.aborted || isPassing(error)) throw error;
      tell('Warning', 'InspectFailed', `Failed to inspect image "${ref}": ${messageOf(error)}`);
      throw new NotStarted({ reason: 'ImageInspectError', message: `Failed to inspect image "${ref}": ${messageOf(error)}` }, this.#soon(), { cause: error });
    });
    if (present !== undefined && policy !== 'Always') {
      tell('Normal', 'Pulled', `Container image "${ref}" already present on machine`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${ref}" is not present with pull policy of Never`;
      tell('Warning', 'ErrImageNeverPull', message);
      throw new NotStarted({ reason: 'ErrImageNeverPull', message }, this.#soon());
    }
    return this.#pull(wanted, ref, present, signal);
  }

  /** What failed before this process is left alone for as long as it was to be. */
  restore(uid: string, failures: readonly PullFailure[]): void {
    for (const failure of failures) this.#failures.set(keyOf(uid, failure.container, failure.image), failure);
  }

  /** Forgets what failed for a pod that is over. */
  forget(uid: string): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid} `)) this.#failures.delete(key);
  }

  #checkName(ref: string, tell: ImageEvent): void {
    try {
      repositoryOf(ref);
    } catch (error) {
      const message = `Failed to apply default image tag "${ref}": couldn't parse image reference "${ref}": ${messageOf(error)}`;
      tell('Warning', 'InspectFailed', message);
      throw new NotStarted({ reason: 'InvalidImageName', message }, this.#soon(), { cause: error });
    }
  }

  async #pull({ uid, container, tell, credentials }: ImageWanted, ref: string, present: ImageInfo | undefined, signal: AbortSignal): Promise<ImageInfo> {
    const { clock, engine } = this.#options;
    const key = keyOf(uid, container.name, ref);
    const failure = this.#failures.get(key);
    const leftMs = failure === undefined ? 0 : failure.untilMs - clock.now();
    if (failure !== undefined && leftMs > 0 && leftMs <= failure.delayMs) { // more than all of it: the clock was set back
      const message = `Back-off pulling image "${ref}"`;
      tell('Normal', 'BackOff', message);
      throw new NotStarted({ reason: 'ImagePullBackOff', message }, failure.untilMs);
    }
    tell('Normal', 'Pulling', `Pulling image "${ref}"`);
    const started = clock.now();
    try {
      await this.#shared(ref, await credentials(), signal);
      const image = await engine.image(ref, signal);
      if (image === undefined) throw new KmError('unavailable', 'the image is gone again right after its pull');
      if (this.#failures.delete(key)) this.#options.remember(uid, { container: container.name, image: ref, delayMs: 0, untilMs: 0 });
      tell('Normal', 'Pulled', `Successfully pulled image "${ref}" in ${(clock.now() - started) / 1000}s`);
      return image;
    } catch (error) {
      if (signal.aborted) throw error;
      if (this.#options.offline && present !== undefined && isCode(error, 'unavailable', 'timeout')) {
        tell('Normal', 'Pulled', `Container image "${ref}" already present on machine, and its registry cannot be reached`);
        return present;
      }
      const delayMs = Math.min(MAX_BACKOFF_MS, (failure?.delayMs ?? 0) * 2 || INITIAL_BACKOFF_MS);
      const untilMs = clock.now() + delayMs;
      const now = { container: container.name, image: ref, delayMs, untilMs };
      this.#failures.set(key, now);
      this.#options.remember(uid, now);
      const message = `Failed to pull image "${ref}": ${messageOf(error)}`;
      tell('Warning', 'Failed', message);
      // A little later the wait shows as ImagePullBackOff, until the back-off is over.
      const reason = error instanceof PullError && error.registryUnavailable ? 'RegistryUnavailable' : 'ErrImagePull';
      throw new NotStarted({ reason, message: messageOf(error) }, Math.min(untilMs, clock.now() + 2000), { cause: error });
    }
  }

  /** One pull per image and credentials at a time; it ends when nobody waits for it any more. */
  async #shared(ref: string, credentials: readonly RegistryAuth[], signal: AbortSignal): Promise<void> {
    const { engine, noProgressMs } = this.#options;
    const key = `${ref} ${createHash('sha256').update(JSON.stringify(credentials)).digest('hex')}`;
    let pull = this.#pulls.get(key);
    if (pull === undefined || pull.stop.signal.aborted) {
      const stop = new AbortController();
      const done = pullImage(engine, ref, credentials, { signal: stop.signal, noProgressMs }).finally(() => {
        if (this.#pulls.get(key)?.stop === stop) this.#pulls.delete(key);
      });
      done.catch(() => undefined); // everybody who waits hears of it below
      pull = { done, users: 0, stop };
      this.#pulls.set(key, pull);
    }
    const mine = pull;
    mine.users += 1;
    const left = Promise.withResolvers<never>();
    const onAbort = (): void => left.reject(aborted(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([mine.done, left.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      mine.users -= 1;
      if (mine.users === 0) mine.stop.abort();
    }
  }

  #soon(): number {
    return this.#options.clock.now() + INITIAL_BACKOFF_MS;
  }
}

function keyOf(uid: string, container: string, image: string): string {
  return `${uid} ${container} ${image}`;
}
