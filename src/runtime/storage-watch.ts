import { messageOf, RepeatingTask } from '../base/index.ts';
import { hasStorageLimits, isLocalEphemeral, type ObservedContainer, storageExcess, type StorageUse } from '../pod/index.ts';
import { logSize, treeSize, volumePath } from '../volumes/index.ts';
import type { PodContext } from './pod-context.ts';

/** How often it is measured, milliseconds (Kubernetes v1.20 pkg/kubelet/kubelet.go evictionMonitoringPeriod). */
const MEASURE_EVERY_MS = 10_000;
/** Longest time for one tree, milliseconds. */
const LONGEST_WALK_MS = 10_000;

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

  constructor(context: PodContext, evict: (message: string) => void) {
    this.#context = context;
    if (!hasStorageLimits(context.pod)) return;
    const { clock, logger } = context.node;
    this.#task = new RepeatingTask({
      clock,
      intervalMs: MEASURE_EVERY_MS,
      run: async (signal) => {
        const message = storageExcess(context.pod, await this.#measure(signal));
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
    for (const id of [...this.#places.keys()]) if (!running.some((container) => container.id === id)) this.#places.delete(id);
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
    return { volumes, containers };
  }

  async #placesOf({ id }: ObservedContainer, signal: AbortSignal): Promise<Places> {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const { logPath: log, writableLayer: layer } = await this.#context.node.engine.inspect(id, signal);
    this.#places.set(id, { log, layer });
    return { log, layer };
  }

  async #bytes(path: string, signal: AbortSignal): Promise<number> {
    return (await treeSize(path, AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WALK_MS)]), Infinity))?.bytes ?? 0;
  }
}
