import { type Clock, messageOf } from '../base/index.ts';
import type { Pod, PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** A deletion is left alone at least so long, milliseconds: the pod's launch may still be on its way to us. */
const LEAST_WAIT_MS = 10_000;

export interface GravesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a task or a container of ours is that pod. */
  readonly isAlive: (uid: string) => boolean;
  /** Removes the API object. */
  readonly remove: (pod: PodIdentity) => Promise<void>;
}

/**
 * Pods on our node that are being deleted and that no task of ours carries, left over from an earlier executor. Nobody else would ever
 * finish their deletion: it is done here when their grace is over.
 */
export class Graves {
  readonly #options: GravesOptions;
  readonly #waiting = new Map<string, () => void>();

  constructor(options: GravesOptions) {
    this.#options = options;
  }

  consider({ metadata: { uid = '', namespace = '', name = '', deletionTimestamp, deletionGracePeriodSeconds = 0 } = {} }: Pod): void {
    if (deletionTimestamp === undefined || this.#waiting.has(uid)) return;
    const { clock, logger, isAlive, remove } = this.#options;
    const cancel = clock.after(Math.max(deletionGracePeriodSeconds * 1000, LEAST_WAIT_MS), () => {
      this.#waiting.delete(uid);
      if (isAlive(uid)) return;
      remove({ uid, namespace, name }).catch((error: unknown) => logger.warn('left-over pod not deleted', { pod: name, error: messageOf(error) }));
    });
    this.#waiting.set(uid, cancel);
  }

  /** It is gone already. */
  forget(uid: string): void {
    this.#waiting.get(uid)?.();
    this.#waiting.delete(uid);
  }
}
