import { Backoff, type Clock, isCode, messageOf, sleep } from '../base/index.ts';
import type { Pod, PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** A deletion is left alone at least so long, milliseconds: the pod's launch may still be on its way to us. */
const LEAST_WAIT_MS = 10_000;
/** Between tries to finish it, milliseconds. */
const AGAIN = { initialMs: 1000, maxMs: 30_000 };

export interface GravesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a task of ours is that pod: then its end is the task's. */
  readonly isOurs: (uid: string) => boolean;
  /** Whether anything of that pod is still on this machine, whoever has run it. May throw where nobody can tell now. */
  readonly isLeft: (uid: string) => Promise<boolean>;
  /** Removes the API object; resolves also when it is gone. */
  readonly remove: (pod: PodIdentity) => Promise<void>;
}

/**
 * Pods on our node that are being deleted and that no task of ours carries: left over from an earlier executor, or those of another one on this agent. Of the
 * first nobody else would ever finish the deletion: it is done here when their grace is over and nothing of them is left, and tried until it is done.
 *
 * Between awaits: `#open` has a pod from its first sight until it is removed, gone or ours.
 */
export class Graves {
  readonly #options: GravesOptions;
  readonly #open = new Map<string, AbortController>();

  constructor(options: GravesOptions) {
    this.#options = options;
  }

  consider({ metadata: { uid = '', namespace = '', name = '', deletionTimestamp, deletionGracePeriodSeconds = 0 } = {} }: Pod): void {
    if (deletionTimestamp === undefined || uid === '' || this.#open.has(uid)) return;
    const gone = new AbortController();
    this.#open.set(uid, gone);
    void this.#bury({ uid, namespace, name }, Math.max(deletionGracePeriodSeconds * 1000, LEAST_WAIT_MS), gone.signal);
  }

  /** It is gone already. */
  forget(uid: string): void {
    this.#open.get(uid)?.abort();
    this.#open.delete(uid);
  }

  /** Never rejects. */
  async #bury(pod: PodIdentity, waitMs: number, gone: AbortSignal): Promise<void> {
    const { clock, isOurs } = this.#options;
    const backoff = new Backoff(AGAIN);
    const wait = (ms: number): Promise<void> => sleep(clock, ms, gone).catch(() => undefined);
    await wait(waitMs);
    while (!gone.aborted && !isOurs(pod.uid)) {
      const { done, error } = await this.#tried(pod, gone);
      if (done) break;
      await wait(backoff.next(error));
    }
    if (!gone.aborted) this.#open.delete(pod.uid);
  }

  async #tried(pod: PodIdentity, gone: AbortSignal): Promise<{ done: boolean; error?: unknown }> {
    const { logger, isOurs, isLeft, remove } = this.#options;
    try {
      if (await isLeft(pod.uid)) return { done: false };
      if (gone.aborted || isOurs(pod.uid)) return { done: true };
      await remove(pod);
      return { done: true };
    } catch (error) {
      if (isCode(error, 'aborted')) return { done: true }; // we are at our end
      logger.warn('left-over pod not deleted yet', { pod: pod.name, error: messageOf(error) });
      return { done: false, error };
    }
  }
}
