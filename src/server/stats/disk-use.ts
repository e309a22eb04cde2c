import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/index.ts';
import { fileSystemAt, logSize, treeSize, type TreeSize } from '../../volumes/index.ts';
import { deviceBelow, readBlockDevices } from './block-devices.ts';
import { processLimits } from './machine.ts';
import type { ContainerSample, NodeSample, PodSample } from './sampler.ts';
import type { DiskUse, VolumeUse } from './summary.ts';

/** A tree that was walked is not walked again so soon, milliseconds. */
const WALK_EVERY_MS = 60_000;
/** Longest time for one walk, milliseconds; then the last figure counts, or what was come to. */
const LONGEST_WALK_MS = 2_000;

/** What containers, logs and volumes take on the disk, when somebody asks. Trees are walked one after the other, once a minute at most. */
export class DiskMeter {
  readonly #rootDir: string;
  readonly #imageDir: string;
  readonly #clock: Clock;
  readonly #walked = new Map<string, { readonly at: number; readonly size: TreeSize | undefined }>();
  #walking: Promise<unknown> = Promise.resolve();

  /** `rootDir` is the executor's, `imageDir` the Engine's. */
  constructor(options: { rootDir: string; imageDir: string; clock: Clock }) {
    this.#rootDir = options.rootDir;
    this.#imageDir = options.imageDir;
    this.#clock = options.clock;
  }

  async measure({ pods }: NodeSample): Promise<DiskUse> {
    const containers = pods.flatMap((pod) => pod.containers);
    const [root, images, processes, devices] = await Promise.all([fileSystemAt(this.#rootDir), fileSystemAt(this.#imageDir), processLimits(), readBlockDevices()]);
    const imageDevice = deviceBelow(this.#imageDir, devices);
    const [layers, volumes] = [new Map<string, TreeSize>(), new Map<string, readonly VolumeUse[]>()];
    const trees = new Set<string>();
    const walk = this.#walking.then(async () => {
      for (const { container, writableLayer } of containers) await this.#layer(container.id, writableLayer, layers, trees);
      for (const pod of pods) volumes.set(pod.pod.metadata.uid, await this.#volumes(pod, trees));
      for (const path of [...this.#walked.keys()]) if (!trees.has(path)) this.#walked.delete(path);
    });
    this.#walking = walk.catch(() => undefined);
    const [logs] = await Promise.all([this.#logs(containers), walk]);
    return { ...(root !== undefined && { root }), ...(images !== undefined && { images }), layers, logs, volumes, processes, devices, ...(imageDevice !== undefined && { imageDevice }) };
  }

  async #layer(id: string, path: string | undefined, layers: Map<string, TreeSize>, trees: Set<string>): Promise<void> {
    const size = path === undefined ? undefined : await this.#size(path, trees);
    if (size !== undefined) layers.set(id, size);
  }

  async #logs(containers: readonly ContainerSample[]): Promise<ReadonlyMap<string, number>> {
    return new Map(await Promise.all(containers.filter(({ logPath }) => logPath !== '').map(async ({ container, logPath }): Promise<[string, number]> => [container.id, await logSize(logPath)])));
  }

  /** Volumes of a pod: `<root>/pods/<uid>/volumes/<plugin>/<name>`. */
  async #volumes({ pod }: PodSample, trees: Set<string>): Promise<readonly VolumeUse[]> {
    const top = join(this.#rootDir, 'pods', pod.metadata.uid, 'volumes');
    const found: VolumeUse[] = [];
    for (const plugin of await readdir(top).catch(() => [])) {
      for (const name of await readdir(join(top, plugin)).catch(() => [])) {
        const path = join(top, plugin, name);
        const [fileSystem, size] = [await fileSystemAt(path), await this.#size(path, trees)];
        const spec = pod.spec.volumes?.find((volume) => volume.name === name);
        if (fileSystem !== undefined && size !== undefined) found.push({ name, fileSystem, size, ephemeral: spec?.emptyDir !== undefined && spec.emptyDir.medium !== 'Memory' });
      }
    }
    return found;
  }

  async #size(path: string, trees: Set<string>): Promise<TreeSize | undefined> {
    trees.add(path);
    const known = this.#walked.get(path);
    if (known !== undefined && this.#clock.elapsed() - known.at < WALK_EVERY_MS) return known.size;
    const end = new AbortController();
    const cancel = this.#clock.after(LONGEST_WALK_MS, () => end.abort());
    const found = await treeSize(path, end.signal);
    cancel();
    const size = known?.size !== undefined && found?.whole === false && found.bytes < known.size.bytes ? known.size : found;
    this.#walked.set(path, { at: this.#clock.elapsed(), size });
    return size;
  }
}
