import { Backoff, isCode, messageOf, sleep, systemClock } from '../../base/index.ts';
import { bindPod, deletePod, pods, watchResource, type KubernetesClient } from '../../kubernetes/index.ts';
import type { TaskInfo } from '../../mesos/index.ts';
import type { Pod, PodIdentity } from '../../pod/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { podSummary } from './pod-summary.ts';
import { taskOfPod } from './task-of-pod.ts';
import type { ClusterEvent } from './types.ts';

export interface PodLauncherOptions {
  readonly client: KubernetesClient;
  readonly nodeName: string;
  readonly agentId: string;
  /** Whether pods that nobody bound are bound to the node. */
  readonly bind: boolean;
  /** Hands a task to the agent; `pod` is how a person calls its pod. */
  readonly launch: (pod: string, task: TaskInfo) => void;
  readonly onEvent: (event: ClusterEvent) => void;
  readonly logger: Logger;
}

/** Marks of pods that no framework launches: the executor has them from elsewhere (Kubernetes v1.20 pkg/kubelet/types). */
const MIRROR = 'kubernetes.io/config.mirror';
const SOURCE = 'kubernetes.io/config.source';

/**
 * Plays the framework: launches each pod of the API that is bound to the node as a Mesos task, once, and binds those that nobody
 * has bound.
 *
 * Between awaits: `#launched` has the UID of every pod that was handed to the agent; a pod in `#binding` is being bound, and
 * launched when that has succeeded.
 */
export class PodLauncher {
  readonly #options: PodLauncherOptions;
  readonly #launched = new Set<string>();
  readonly #binding = new Map<string, Promise<void>>();
  /** Last summary told of each pod that the API has. */
  readonly #summaries = new Map<string, string>();
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;

  constructor(options: PodLauncherOptions) {
    this.#options = options;
  }

  start(): void {
    const { client, logger } = this.#options;
    this.#watching ??= watchResource<Pod>({
      client,
      resource: pods(),
      signal: this.#stop.signal,
      logger,
      onList: (list) => this.#onList(list),
      onEvent: (type, pod) => (type === 'DELETED' ? this.#onDeleted(pod) : this.#onPod(pod)),
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await Promise.all(this.#binding.values());
  }

  #onList(list: readonly Pod[]): void {
    for (const pod of list) this.#onPod(pod);
    const listed = new Set(list.map((pod) => pod.metadata?.uid));
    for (const uid of [...this.#summaries.keys()].filter((known) => !listed.has(known))) this.#forget(uid);
  }

  #onPod(pod: Pod): void {
    const identity = identityIn(pod);
    if (identity === undefined) return;
    this.#tell(identity, pod);
    const { spec, status, metadata } = pod;
    if (this.#launched.has(identity.uid) || this.#binding.has(identity.uid)) return;
    if (!fromApi(pod)) return;
    const ours = spec?.nodeName === this.#options.nodeName;
    if (ours && metadata?.deletionTimestamp !== undefined) return this.#begin(identity, () => this.#removeUnlaunched(identity));
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
    if (ours) {
      this.#launch(identity, pod);
    } else if (!spec?.nodeName && this.#options.bind && metadata?.deletionTimestamp === undefined) {
      this.#begin(identity, () => this.#bind(identity, pod));
    }
  }

  #onDeleted(pod: Pod): void {
    const identity = identityIn(pod);
    if (identity === undefined) return;
    this.#options.onEvent({ kind: 'pod', at: Date.now(), pod: nameOf(identity), change: 'DELETED', summary: podSummary(pod) });
    this.#forget(identity.uid);
  }

  #forget(uid: string): void {
    this.#summaries.delete(uid);
    this.#launched.delete(uid);
  }

  #launch(identity: PodIdentity, pod: Pod): void {
    this.#launched.add(identity.uid);
    this.#options.launch(nameOf(identity), taskOfPod(pod, this.#options.agentId));
  }

  /** One piece of work for a pod at a time. */
  #begin(pod: PodIdentity, work: () => Promise<void>): void {
    this.#binding.set(pod.uid, this.#persist(pod, work).finally(() => this.#binding.delete(pod.uid)));
  }

  /** Tries again while the API is away; never rejects. */
  async #persist(pod: PodIdentity, work: () => Promise<void>): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 });
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.logger.warn('cannot place a pod', { ...pod, error: messageOf(error) });
        if (!isCode(error, 'unavailable', 'timeout')) return;
        await sleep(systemClock, backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  async #bind(identity: PodIdentity, pod: Pod): Promise<void> {
    const { client, nodeName } = this.#options;
    const outcome = await bindPod({ client, pod: identity, nodeName, signal: this.#stop.signal });
    if (outcome === 'done' && !this.#stop.signal.aborted) {
      this.#launch(identity, { ...pod, spec: { ...(pod.spec as NonNullable<Pod['spec']>), nodeName } });
    }
  }

  /** Bound to us and deleted before anybody launched it: there is nothing to stop, and nobody else who would let it go. */
  async #removeUnlaunched(pod: PodIdentity): Promise<void> {
    await deletePod({ client: this.#options.client, pod, signal: this.#stop.signal });
  }

  #tell(identity: PodIdentity, pod: Pod): void {
    const summary = podSummary(pod);
    const before = this.#summaries.get(identity.uid);
    if (before === summary) return;
    this.#summaries.set(identity.uid, summary);
    const change = before === undefined ? 'ADDED' : 'MODIFIED';
    this.#options.onEvent({ kind: 'pod', at: Date.now(), pod: nameOf(identity), change, summary });
  }
}

function identityIn(pod: Pod): PodIdentity | undefined {
  const { uid, namespace, name } = pod.metadata ?? {};
  return uid === undefined || namespace === undefined || name === undefined ? undefined : { uid, namespace, name };
}

function nameOf(pod: PodIdentity): string {
  return pod.namespace === 'default' ? pod.name : `${pod.namespace}/${pod.name}`;
}

function fromApi(pod: Pod): boolean {
  const annotations = pod.metadata?.annotations ?? {};
  return annotations[MIRROR] === undefined && (annotations[SOURCE] ?? 'api') === 'api';
}
