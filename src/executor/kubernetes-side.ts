import type { V1Node } from '@kubernetes/client-node';
import { type Clock, isCode } from '../base/index.ts';
import { bindPod, deletePod, EventRecorder, type KubernetesClient, patchStatus, PodObjects, PodSource, readPod } from '../kubernetes/index.ts';
import { isTerminal, type Json, type LossCause, lostStatus, type NodeIdentity, type Pod, type PodIdentity, type PodStatus } from '../pod/index.ts';
import type { KubernetesStatusSink, PatchResult } from '../status/index.ts';
import type { Logger } from '../telemetry/index.ts';

export interface KubernetesSideOptions {
  readonly client: KubernetesClient;
  readonly nodeName: string;
  /** Labels that the Node will have once it is registered. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPod: (pod: Pod) => void;
  readonly onDeleted: (pod: PodIdentity) => void;
}

/** How long the API may take where nobody else sets a limit, milliseconds. */
const ANSWER_MS = 10_000;

/** What the executor knows of and tells to the Kubernetes API about its pods. */
export class KubernetesSide implements KubernetesStatusSink {
  readonly #client: KubernetesClient;
  readonly #clock: Clock;
  readonly nodeName: string;
  readonly #nodeLabels: Readonly<Record<string, string>>;
  readonly #source: PodSource;
  readonly events: EventRecorder;
  /** Secrets, config maps, tokens and services for pods. */
  readonly sources: PodObjects;
  /** The status that the API holds for sure: the last one it took from us, or the one it had at the launch. By UID. */
  readonly #held = new Map<string, PodStatus>();
  /** UIDs of pods that run here and may not be bound to us yet. */
  readonly #unbound = new Set<string>();

  constructor(options: KubernetesSideOptions) {
    const { client, nodeName, clock, logger, onPod, onDeleted } = options;
    this.#client = client;
    this.#clock = clock;
    this.nodeName = nodeName;
    this.#nodeLabels = options.nodeLabels;
    this.#source = new PodSource({ client, nodeName, clock, logger, onPod, onDeleted });
    this.events = new EventRecorder({ client, host: nodeName, clock, logger });
    this.sources = new PodObjects({ client, clock, logger });
  }

  start(): void {
    this.#source.start();
  }

  /** The pod as the API has it, if its watch has told. */
  get(uid: string): Pod | undefined {
    return this.#source.get(uid);
  }

  /** The UID of the API's pod of that name; `undefined` when there is none. Throws code `unavailable` when the API is away. */
  async uidOf(namespace: string, name: string): Promise<string | undefined> {
    const pod = await readPod(this.#client, { namespace, name }, AbortSignal.timeout(5000)).catch((error: unknown) => {
      if (isCode(error, 'not-found')) return undefined;
      throw error;
    });
    return pod?.metadata?.uid;
  }

  /** Our Node as the API has it now, or will have it. Throws code `unavailable` when the API is away. */
  async node(): Promise<NodeIdentity> {
    const self = { apiVersion: 'v1', resource: 'nodes', name: this.nodeName };
    const node = await this.#client.get<Json<V1Node>>(self, { resourceVersion: '0', timeoutMs: 5000 }).catch((error: unknown) => {
      if (isCode(error, 'not-found')) return undefined;
      throw error;
    });
    return { name: this.nodeName, labels: node === undefined ? this.#nodeLabels : (node.metadata?.labels ?? {}) };
  }

  /** Makes the pod ours, where nobody has bound it yet. When the API is away that is made up for before its first status goes out. */
  async bind(pod: PodIdentity, signal: AbortSignal): ReturnType<typeof bindPod> {
    this.#unbound.add(pod.uid);
    const outcome = await bindPod({ client: this.#client, pod, nodeName: this.nodeName, signal });
    this.#unbound.delete(pod.uid);
    return outcome;
  }

  /** A pod that runs already and may not be bound to us: it is, before its next status goes out. */
  bindLater(pod: PodIdentity): void {
    this.#unbound.add(pod.uid);
  }

  /** The pod is in the API: when it is not there any more, `onDeleted` is called. `held` is its status there, if known. */
  expect(pod: PodIdentity, held: PodStatus | undefined): void {
    this.#source.expect(pod);
    if (held !== undefined && !this.#held.has(pod.uid)) this.#held.set(pod.uid, held);
  }

  /** What the API holds is what its watch says, whoever wrote it. */
  believe(uid: string): void {
    const status = this.#source.get(uid)?.status;
    if (status !== undefined) this.#held.set(uid, status);
  }

  forget(uid: string): void {
    this.#source.forget(uid);
    this.#held.delete(uid);
    this.#unbound.delete(uid);
  }

  async patchStatus(pod: PodIdentity, status: PodStatus, signal: AbortSignal): Promise<PatchResult> {
    if (this.#unbound.has(pod.uid)) {
      const outcome = await this.bind(pod, signal);
      if (outcome !== 'done') return outcome === 'gone' ? 'gone' : 'other-uid';
    }
    const previous = this.#held.get(pod.uid) ?? this.#source.get(pod.uid)?.status;
    const result = await patchStatus({ client: this.#client, pod, status, signal, ...(previous === undefined ? {} : { previous }) });
    if (result === 'done') this.#held.set(pod.uid, status);
    return result;
  }

  /**
   * A pod that ran on this node and has ended, whoever ran it: the API hears of it if it has that very pod and does not know. `last` is what was reported of it. Throws
   * code `unavailable` when the API is away.
   */
  async tellOfEnd(pod: PodIdentity, last: PodStatus | undefined, cause: LossCause = 'executor-ended'): Promise<void> {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const found = await readPod(this.#client, pod, signal).catch((error: unknown) => {
      if (isCode(error, 'not-found')) return undefined;
      throw error;
    });
    if (found?.metadata?.uid !== pod.uid || found.spec?.nodeName !== this.nodeName || isTerminal(found.status?.phase)) return;
    const previous = found.status ?? {};
    const status = last !== undefined && isTerminal(last.phase) ? last : lostStatus(previous, cause, this.#clock.now());
    await patchStatus({ client: this.#client, pod, status, signal, previous });
  }

  async deletePod(pod: PodIdentity, signal?: AbortSignal): Promise<void> {
    await deletePod({ client: this.#client, pod, ...(signal === undefined ? {} : { signal }) });
  }

  async stop(flushMs: number): Promise<void> {
    await this.events.flush(flushMs);
    await Promise.all([this.events.stop(), this.#source.stop(), this.sources.stop()]);
  }
}
