import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/index.ts';
import type { ValidPod, Volume } from '../../pod/index.ts';
import { fileSystemAt, isMountedKind, logSize, mountedVolumes, treeSize, type FileSystem, type TreeSize } from '../../volumes/index.ts';
import { deviceBelow, readBlockDevices } from './block-devices.ts';
import { ImageBytes } from './image-bytes.ts';
import { processLimits } from './machine.ts';
import { MountedFileSystems } from './mounted-file-systems.ts';
import type { ContainerSample, NodeSample, PodSample } from './sampler.ts';
import type { DiskUse, VolumeUse } from './summary.ts';

/** A tree that was walked is not walked again so soon, milliseconds. */
const WALK_EVERY_MS = 60_000;
/** Longest time for one walk, milliseconds; then the last figure counts, or what was come to. */
const LONGEST_WALK_MS = 2_000;

/** The volume of a claim. */
export interface ClaimUse {
  readonly namespace: string;
  readonly claim: string;
  readonly fileSystem: FileSystem;
}

/**
 * What containers, logs and volumes take on the disk, when somebody asks. Trees are walked one after the other, once a minute at most. Of a
 * volume that is mounted from elsewhere only its file system is looked at, as by a kubelet: to walk it would be to read a file server.
 */
export class DiskMeter {
  readonly #rootDir: string;
  readonly #imageDir: string;
  readonly #clock: Clock;
  readonly #mountTable: string | undefined;
  readonly #imageBytes: ImageBytes;
  readonly #mounted: MountedFileSystems;
  readonly #walked = new Map<string, { readonly at: number; readonly size: TreeSize | undefined }>();
  #walking: Promise<unknown> = Promise.resolve();

  /** `rootDir` is the executor's, `imageDir` the Engine's; `imageBytes` asks the Engine; `mountTable` is that of this process unless told. */
  constructor(options: { rootDir: string; imageDir: string; imageBytes: () => Promise<number>; clock: Clock; mountTable?: string }) {
    this.#rootDir = options.rootDir;
    this.#imageDir = options.imageDir;
    this.#clock = options.clock;
    this.#mountTable = options.mountTable;
    this.#imageBytes = new ImageBytes(options.imageBytes, options.clock);
    this.#mounted = new MountedFileSystems(options.clock);
  }

  async measure({ pods }: NodeSample): Promise<DiskUse> {
    const containers = pods.flatMap((pod) => pod.containers);
    const [root, images, imageBytes, mounted, processes, devices] = await Promise.all([
      fileSystemAt(this.#rootDir),
      fileSystemAt(this.#imageDir),
      this.#imageBytes.get(),
      this.#mountedVolumes(),
      processLimits(),
      readBlockDevices(),
    ]);
    const imageDevice = deviceBelow(this.#imageDir, devices);
    const [layers, volumes] = [new Map<string, TreeSize>(), new Map<string, readonly VolumeUse[]>()];
    const trees = new Set<string>();
    const walk = this.#walking.then(async () => {
      for (const { container, writableLayer } of containers) await this.#layer(container.id, writableLayer, layers, trees);
      for (const pod of pods) volumes.set(pod.pod.metadata.uid, [...(await this.#volumes(pod, trees)), ...mountedOf(pod.pod, mounted)]);
      for (const path of [...this.#walked.keys()]) if (!trees.has(path)) this.#walked.delete(path);
    });
    this.#walking = walk.catch(() => undefined);
    const [logs] = await Promise.all([this.#logs(containers), walk]);
    const used = images === undefined ? {} : { images, imageBytes: imageBytes ?? images.used };
    return { ...(root !== undefined && { root }), ...used, layers, logs, volumes, processes, devices, ...(imageDevice !== undefined && { imageDevice }) };
  }

  /** The volumes of these pods' claims, each claim once. Those of host paths have no figures, as with a kubelet. */
  async claims(pods: readonly ValidPod[]): Promise<ClaimUse[]> {
    const mounted = await this.#mountedVolumes();
    const found = new Map<string, ClaimUse>();
    for (const pod of pods) {
      const { namespace } = pod.metadata;
      for (const { claim, fileSystem } of mountedOf(pod, mounted)) {
        const key = `${namespace}/${claim}`;
        if (claim !== undefined && !found.has(key)) found.set(key, { namespace, claim, fileSystem });
      }
    }
    return [...found.values()];
  }

  async #mountedVolumes(): Promise<readonly MountedUse[]> {
    const volumes = await mountedVolumes(this.#rootDir, this.#mountTable);
    const known = await this.#mounted.of(volumes);
    return volumes.flatMap(({ uid, name, path }) => {
      const fileSystem = known.get(path);
      return fileSystem === undefined ? [] : [{ uid, name, fileSystem }];
    });
  }

  async #layer(id: string, path: string | undefined, layers: Map<string, TreeSize>, trees: Set<string>): Promise<void> {
    const size = path === undefined ? undefined : await this.#size(path, trees);
    if (size !== undefined) layers.set(id, size);
  }

  async #logs(containers: readonly ContainerSample[]): Promise<ReadonlyMap<string, number>> {
    return new Map(await Promise.all(containers.filter(({ logPath }) => logPath !== '').map(async ({ container, logPath }): Promise<[string, number]> => [container.id, await logSize(logPath)])));
  }

  /** Volumes of a pod that we have made: `<root>/pods/<uid>/volumes/<plugin>/<name>`. */
  async #volumes({ pod }: PodSample, trees: Set<string>): Promise<readonly VolumeUse[]> {
    const top = join(this.#rootDir, 'pods', pod.metadata.uid, 'volumes');
    const found: VolumeUse[] = [];
    for (const plugin of await readdir(top).catch(() => [])) {
      if (isMountedKind(plugin)) continue;
      for (const name of await readdir(join(top, plugin)).catch(() => [])) {
        const path = join(top, plugin, name);
        const [fileSystem, size] = [await fileSystemAt(path), await this.#size(path, trees)];
        const spec = pod.spec.volumes?.find((volume) => volume.name === name);
        if (fileSystem !== undefined && size !== undefined) found.push({ name, fileSystem, size, ephemeral: isEphemeral(spec) });
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

interface MountedUse {
  readonly uid: string;
  readonly name: string;
  readonly fileSystem: FileSystem;
}

function mountedOf({ metadata, spec }: ValidPod, mounted: readonly MountedUse[]): VolumeUse[] {
  return mounted
    .filter(({ uid }) => uid === metadata.uid)
    .map(({ name, fileSystem }) => {
      const claim = spec.volumes?.find((volume) => volume.name === name)?.persistentVolumeClaim?.claimName;
      const size = { bytes: fileSystem.used, inodes: fileSystem.inodes - fileSystem.inodesFree, whole: true };
      return { name, fileSystem, size, ephemeral: false, ...(claim !== undefined && { claim }) };
    });
}

/** Kubernetes v1.20 pkg/kubelet/server/stats/volume_stat_calculator.go isVolumeEphemeral. */
function isEphemeral(volume: Volume | undefined): boolean {
  if (volume?.emptyDir !== undefined) return (volume.emptyDir.medium ?? '') === '';
  return volume?.configMap !== undefined;
}
