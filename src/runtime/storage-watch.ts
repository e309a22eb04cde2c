import { messageOf, RepeatingTask } from '../base/index.ts';
import { hasStorageLimits, isLocalEphemeral, type ObservedContainer, storageExcess, type StorageUse } from '../pod/index.ts';
import { logSize, podFilesSize, treeSize, volumePath } from '../volumes/index.ts';
import type { PodContext } from './pod-context.ts';

/** How often it is measured, milliseconds (Kubernetes v1.20 pkg/kubelet/kubelet.go evictionMonitoringPeriod). */
const MEASURE_EVERY_MS = 10_000;
/** A pod with very many files is measured less often: so many times as long as it took is the pause. */
const PAUSE_FACTOR = 5;

/** Where a container writes. */
interface Places {
  readonly log: string;
  readonly layer: string | undefined;
}

/** Measures what a pod with limits takes on the disk, and tells when it is too much. Costs nothing for a pod without. */
export class StorageWatch {
  readonly #context: PodContext;
  readonly #task: RepeatingTask | undefined;
  /** By container id: they stay where they are. */
  readonly #places = new Map<string, Places>();
  /** By path, what its tree took when all of it was last counted. */
  readonly #known = new Map<string, number>();
  #tookMs = 0;

  constructor(context: PodContext, evict: (message: string) => void) {
    this.#context = context;
    if (!hasStorageLimits(context.pod)) return;
    const { clock, logger } = context.node;
    this.#task = new RepeatingTask({
      clock,
      intervalMs: () => Math.max(MEASURE_EVERY_MS, PAUSE_FACTOR * this.#tookMs),
      run: async (signal) => {
        const began = clock.now();
        const use = await this.#measure(signal);
        this.#tookMs = clock.now() - began;
        const message = storageExcess(context.pod, use);
        if (message !== undefined && !signal.aborted) evict(message);
      },
      onError: (error) => logger.warn('what a pod takes on the disk is not known', { pod: context.pod.metadata.name, error: messageOf(error) }),
    });
    this.#task.start();
  }

  async stop(): Promise<void> {
    await this.#task?.stop();
  }

  async #measure(signal: AbortSignal): Promise<StorageUse> {
    const { pod, node, uid, observed } = this.#context;
    const running = observed.containers.filter(({ state }) => state === 'running');
    for (const id of [...this.#places.keys()]) if (!running.some((container) => container.id === id)) this.#forget(id);
    const volumes = new Map<string, number>();
    for (const volume of (pod.spec.volumes ?? []).filter(isLocalEphemeral)) {
      const path = volumePath(node.rootDir, uid, volume);
      if (path !== undefined) volumes.set(volume.name, await this.#bytes(path, signal));
    }
    const containers = new Map<string, number>();
    for (const container of running) {
      const { log, layer } = await this.#placesOf(container, signal);
      containers.set(container.name, (log === '' ? 0 : await logSize(log)) + (layer === undefined ? 0 : await this.#bytes(layer, signal)));
    }
    return { volumes, containers, files: await podFilesSize(node.rootDir, uid) };
  }

  #forget(id: string): void {
    const layer = this.#places.get(id)?.layer;
    if (layer !== undefined) this.#known.delete(layer);
    this.#places.delete(id);
  }

  async #placesOf({ id }: ObservedContainer, signal: AbortSignal): Promise<Places> {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const { logPath: log, writableLayer: layer } = await this.#context.node.engine.inspect(id, signal);
    this.#places.set(id, { log, layer });
    return { log, layer };
  }

  /** As long as it takes: a limit of time would be a place to hide behind. */
  async #bytes(path: string, signal: AbortSignal): Promise<number> {
    const { bytes, whole } = (await treeSize(path, signal)) ?? { bytes: 0, whole: true };
    if (whole) this.#known.set(path, bytes);
    return Math.max(bytes, this.#known.get(path) ?? 0);
  }
}
