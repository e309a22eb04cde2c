import type { Clock } from '../../base/index.ts';
import { atMost } from './at-most.ts';

/** The Engine is not asked again so soon, milliseconds. */
const FRESH_MS = 60_000;
/** How long somebody waits for it, milliseconds; then the last figure counts. */
const PATIENCE_MS = 1_000;

/**
 * Bytes of all images together. Layers that images share count with each of them, as with a kubelet over Docker (Kubernetes v1.20
 * pkg/kubelet/kuberuntime/kuberuntime_image.go ImageStats).
 */
export class ImageBytes {
  readonly #ask: () => Promise<number>;
  readonly #clock: Clock;
  #known: { readonly at: number; readonly bytes: number } | undefined;
  #asking: Promise<void> | undefined;

  constructor(ask: () => Promise<number>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** A minute old at most while the Engine answers; `undefined` while it never has. */
  async get(): Promise<number | undefined> {
    if (this.#known === undefined || this.#clock.elapsed() - this.#known.at >= FRESH_MS) {
      this.#asking ??= this.#learn().finally(() => (this.#asking = undefined));
      await atMost(this.#clock, PATIENCE_MS, this.#asking);
    }
    return this.#known?.bytes;
  }

  async #learn(): Promise<void> {
    const bytes = await this.#ask();
    this.#known = { at: this.#clock.elapsed(), bytes };
  }
}
