import { Backoff, type Clock, isCode, messageOf, sleep } from '../base/index.ts';
import { isTerminal, type Pod, type PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** A pod is left alone at least so long, milliseconds: its launch may still be on its way to us. */
const LEAST_WAIT_MS = 10_000;
/** Between tries, milliseconds. */
const AGAIN = { initialMs: 1000, maxMs: 30_000 };

export interface GravesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a task of ours is that pod: then its end is the task's. */
  readonly isOurs: (uid: string) => boolean;
  /** Whether it was one, and that task is over. */
  readonly isOver: (uid: string) => boolean;
  /** Whether anything of that pod is still on this machine, whoever has run it. May throw where nobody can tell now. */
  readonly isLeft: (uid: string) => Promise<boolean>;
  /** Removes the API object; resolves also when it is gone. */
  readonly remove: (pod: PodIdentity) => Promise<void>;
  /** Tells the API that the pod has ended; resolves also when it is gone, or has ended there too. */
  readonly tellOfEnd: (pod: PodIdentity) => Promise<void>;
}

type Rite = 'remove' | 'tellOfEnd';

/**
 * Pods on our node that no task of ours carries, and for which nobody else would do the last thing. Those that are being deleted: left over from an earlier
 * executor, or those of another one on this agent; the deletion is finished when their grace is over and nothing of them is left. And those that are to live as the API has
 * it but have ended: it was restored from a backup of before their end, of which it is told once more. Both are tried until it is done.
 *
 * Between awaits: `#open` has a pod from its first sight until that is done, or it is gone or ours.
 */
export class Graves {
  readonly #options: GravesOptions;
  readonly #open = new Map<string, { readonly rite: Rite; readonly gone: AbortController }>();

  constructor(options: GravesOptions) {
    this.#options = options;
  }

  consider(pod: Pod): void {
    const { uid = '', namespace = '', name = '', deletionGracePeriodSeconds = 0 } = pod.metadata ?? {};
    const rite = this.#riteFor(pod);
    if (rite === undefined || uid === '' || this.#open.get(uid)?.rite === rite) return;
    this.forget(uid); // deleted while the API is told of its end
    const gone = new AbortController();
    this.#open.set(uid, { rite, gone });
    void this.#perform(rite, { uid, namespace, name }, Math.max(rite === 'remove' ? deletionGracePeriodSeconds * 1000 : 0, LEAST_WAIT_MS), gone.signal);
  }

  /** It is gone already. */
  forget(uid: string): void {
    this.#open.get(uid)?.gone.abort();
    this.#open.delete(uid);
  }

  #riteFor({ metadata: { uid = '', deletionTimestamp } = {}, status }: Pod): Rite | undefined {
    if (deletionTimestamp !== undefined) return 'remove';
    return this.#options.isOver(uid) && !isTerminal(status?.phase) ? 'tellOfEnd' : undefined;
  }

  /** Never rejects. */
  async #perform(rite: Rite, pod: PodIdentity, waitMs: number, gone: AbortSignal): Promise<void> {
    const { clock, isOurs } = this.#options;
    const backoff = new Backoff(AGAIN);
    const wait = (ms: number): Promise<void> => sleep(clock, ms, gone).catch(() => undefined);
    await wait(waitMs);
    while (!gone.aborted && !isOurs(pod.uid)) {
      const { done, error } = await this.#tried(rite, pod, gone);
      if (done) break;
      await wait(backoff.next(error));
    }
    if (!gone.aborted) this.#open.delete(pod.uid);
  }

  async #tried(rite: Rite, pod: PodIdentity, gone: AbortSignal): Promise<{ done: boolean; error?: unknown }> {
    const { logger, isOurs, isLeft } = this.#options;
    try {
      if (await isLeft(pod.uid)) return { done: false };
      if (gone.aborted || isOurs(pod.uid)) return { done: true };
      await this.#options[rite](pod);
      return { done: true };
    } catch (error) {
      if (isCode(error, 'aborted')) return { done: true }; // we are at our end
      logger.warn(rite === 'remove' ? 'left-over pod not deleted yet' : 'the API has not heard yet that a pod has ended', { pod: pod.name, error: messageOf(error) });
      return { done: false, error };
    }
  }
}
