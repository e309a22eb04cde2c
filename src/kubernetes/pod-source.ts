import { Backoff, isCode, messageOf, sleep, systemClock, type Clock } from '../base/index.ts';
import type { Pod, PodIdentity } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import { pods } from './object.ts';
import { readPod } from './read-pod.ts';
import { watchResource, type WatchEventType } from './watch.ts';

export interface PodSourceOptions {
  readonly client: KubernetesClient;
  readonly nodeName: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** A pod bound to our node is new or has changed. Called again, perhaps unchanged, after a fresh list. */
  readonly onPod: (pod: Pod) => void;
  /** The API positively has no such pod any more: it said DELETED, or 404, or has another UID under that name. Once a pod. */
  readonly onDeleted: (pod: PodIdentity, why: 'deleted' | 'other-uid') => void;
  /** The first list has been told through `onPod`. Called once. */
  readonly onSynced?: () => void;
}

interface Known {
  readonly identity: PodIdentity;
  pod?: Pod;
  /** A GET that asks whether it is really gone is under way (or waits for the API). */
  confirming: boolean;
}

/**
 * The pods that the API binds to one node.
 *
 * Invariants: `#known` holds each pod that the API told of (or that was expected) and not positively denied since; `onDeleted`
 * is called for a pod in it exactly when it leaves, but for `forget`. An API that is away or answers with errors changes nothing.
 */
export class PodSource {
  readonly #options: PodSourceOptions;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #confirmations = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;
  #synced = false;

  constructor(options: PodSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  start(): void {
    const { client, nodeName, logger } = this.#options;
    this.#watching ??= watchResource<Pod>({
      client,
      resource: pods(),
      fieldSelector: `spec.nodeName=${nodeName}`,
      signal: this.#stop.signal,
      logger,
      clock: this.#clock,
      onList: (list) => this.#onList(list),
      onEvent: (type, pod) => this.#onEvent(type, pod),
    });
  }

  /** True once a list has succeeded. */
  get synced(): boolean {
    return this.#synced;
  }

  /** The newest that the API told of this pod. */
  get(uid: string): Pod | undefined {
    return this.#known.get(uid)?.pod;
  }

  /**
   * Counts a pod as seen in the API although this process has not seen it (a restarted executor that adopts its pods): if the API
   * turns out not to have it, `onDeleted` is called.
   */
  expect(identity: PodIdentity): void {
    if (this.#known.has(identity.uid)) return;
    const known: Known = { identity, confirming: false };
    this.#known.set(identity.uid, known);
    if (this.#synced) this.#confirm(known);
  }

  /** Nothing is told of this pod's deletion any more. */
  forget(uid: string): void {
    this.#known.delete(uid);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await Promise.all(this.#confirmations);
  }

  #onList(list: readonly Pod[]): void {
    for (const pod of list) this.#seen(pod);
    const listed = new Set(list.map((pod) => pod.metadata?.uid));
    for (const known of [...this.#known.values()]) {
      if (!listed.has(known.identity.uid)) this.#confirm(known);
    }
    if (this.#synced) return;
    this.#synced = true;
    this.#options.onSynced?.();
  }

  #onEvent(type: WatchEventType, pod: Pod): void {
    if (type !== 'DELETED') return this.#seen(pod);
    const known = this.#known.get(pod.metadata?.uid ?? '');
    if (known !== undefined) this.#gone(known, 'deleted');
  }

  #seen(pod: Pod): void {
    const { uid, namespace, name } = pod.metadata ?? {};
    if (uid === undefined || namespace === undefined || name === undefined) return;
    for (const other of this.#known.values()) {
      const { identity } = other;
      // Which of the two is the older one is not sure: a list may be from before the other came, of which a write of ours has told.
      if (identity.name === name && identity.namespace === namespace && identity.uid !== uid) this.#confirm(other);
    }
    const known = this.#known.get(uid);
    if (known === undefined) this.#known.set(uid, { identity: { uid, namespace, name }, pod, confirming: false });
    else known.pod = pod;
    this.#options.onPod(pod);
  }

  #gone(known: Known, why: 'deleted' | 'other-uid'): void {
    if (this.#known.get(known.identity.uid) !== known) return;
    this.#known.delete(known.identity.uid);
    this.#options.onDeleted(known.identity, why);
  }

  #confirm(known: Known): void {
    if (known.confirming) return;
    known.confirming = true;
    const asking = this.#ask(known).finally(() => {
      known.confirming = false;
      this.#confirmations.delete(asking);
    });
    this.#confirmations.add(asking);
  }

  /** A fresh list lacks the pod, or has another one of its name: asks for it by name until the API answers. Never rejects. */
  async #ask(known: Known): Promise<void> {
    const { client, nodeName, logger } = this.#options;
    const { signal } = this.#stop;
    const backoff = new Backoff({ initialMs: 200, maxMs: 10_000 });
    while (!signal.aborted && this.#known.get(known.identity.uid) === known) {
      try {
        const before = known.pod;
        const pod = await readPod(client, known.identity, signal);
        if (pod.metadata?.uid !== known.identity.uid) this.#gone(known, 'other-uid');
        // What the watch told meanwhile is newer.
        else if (pod.spec?.nodeName === nodeName && this.#known.get(known.identity.uid) === known && known.pod === before) this.#seen(pod);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (isCode(error, 'not-found')) return this.#gone(known, 'deleted');
        logger.warn('cannot tell whether a pod still exists', { ...known.identity, error: messageOf(error) });
        await sleep(this.#clock, backoff.next(error), signal).catch(() => undefined);
      }
    }
  }
}
