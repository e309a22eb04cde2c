import type { Clock } from '../../base/index.ts';
import { fileSystemAt, type FileSystem, type MountedVolume } from '../../volumes/index.ts';
import { atMost } from './at-most.ts';

/** How long somebody waits for a file system, milliseconds; then the last figure counts. */
const PATIENCE_MS = 1_000;

/**
 * How full the file systems of mounted volumes are. A file server that does not answer holds who asks it, in the kernel, and Node has but
 * four threads that may be held: file servers are asked one after the other, so one is the most that they hold.
 *
 * Between awaits: `#asking` has one question a path at most, however many want to know.
 */
export class MountedFileSystems {
  readonly #clock: Clock;
  readonly #look: (path: string) => Promise<FileSystem | undefined>;
  readonly #known = new Map<string, FileSystem>();
  readonly #asking = new Map<string, Promise<void>>();
  #remote: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, look: (path: string) => Promise<FileSystem | undefined> = fileSystemAt) {
    this.#clock = clock;
    this.#look = look;
  }

  /** By path; those that have never answered are left out. */
  async of(volumes: readonly MountedVolume[]): Promise<ReadonlyMap<string, FileSystem>> {
    for (const path of [...this.#known.keys()]) if (!volumes.some((one) => one.path === path)) this.#known.delete(path);
    await atMost(this.#clock, PATIENCE_MS, Promise.all(volumes.map((volume) => this.#ask(volume))));
    return new Map(this.#known);
  }

  #ask({ path, remote }: MountedVolume): Promise<void> {
    const open = this.#asking.get(path);
    if (open !== undefined) return open;
    const learn = async (): Promise<void> => {
      const found = await this.#look(path);
      if (found !== undefined) this.#known.set(path, found);
    };
    const asking = (remote ? this.#remote.then(learn) : learn()).finally(() => this.#asking.delete(path));
    if (remote) this.#remote = asking.catch(() => undefined);
    this.#asking.set(path, asking);
    return asking;
  }
}
