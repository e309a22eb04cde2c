import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/** How often a log is looked at where the kernel has no more watches to give, milliseconds. */
const POLL_MS = 1000;

/**
 * Tells when a log may have grown or been rotated. The directory is watched, not the file: a watch on a file goes with it when it is renamed.
 *
 * Between calls: `#changed` is true when something has happened since the last `next` returned.
 */
export class LogChanges implements Disposable {
  readonly #watcher: FSWatcher | undefined;
  readonly #poll: NodeJS.Timeout | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string) {
    const poll = (): NodeJS.Timeout => setInterval(() => this.tell(), POLL_MS).unref();
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, () => this.tell());
      // The directory is gone with its container, which is told otherwise.
      this.#watcher.on('error', () => this.tell());
    } catch {
      this.#poll = poll();
    }
  }

  /** Also something else that the reader waits for has happened. */
  tell(): void {
    this.#changed = true;
    this.#wake?.();
  }

  /** What has happened until now is known. */
  forget(): void {
    this.#changed = false;
  }

  /** Resolves when something has happened since the last `forget`. */
  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    clearInterval(this.#poll);
  }
}
