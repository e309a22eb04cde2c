/**
 * Runs work one at a time per key, keys side by side. Of the work that waits for a key only the newest is kept.
 *
 * Between awaits: at most one `run` per key is under way; `#pending` holds at most one request per key.
 */
export class KeyedWorker<K, T> {
  readonly #run: (key: K, request: T) => Promise<void>;
  readonly #merge: (older: T, newer: T) => T;
  readonly #onError: (key: K, error: unknown) => void;
  readonly #active = new Map<K, Promise<void>>();
  readonly #pending = new Map<K, { request: T }>();

  constructor(options: {
    run: (key: K, request: T) => Promise<void>;
    /** How a newer request joins one that still waits; the newer one wins unless told. */
    merge?: (older: T, newer: T) => T;
    onError: (key: K, error: unknown) => void;
  }) {
    this.#run = options.run;
    this.#merge = options.merge ?? ((_older, newer) => newer);
    this.#onError = options.onError;
  }

  submit(key: K, request: T): void {
    const waiting = this.#pending.get(key);
    this.#pending.set(key, { request: waiting === undefined ? request : this.#merge(waiting.request, request) });
    if (!this.#active.has(key)) this.#active.set(key, this.#drain(key));
  }

  /** Resolves when nothing is under way or waiting for `key` (or for any key). */
  async idle(key?: K): Promise<void> {
    for (;;) {
      const busy = key === undefined ? [...this.#active.values()] : [this.#active.get(key)].filter((p) => p !== undefined);
      if (busy.length === 0) return;
      await Promise.all(busy);
    }
  }

  async #drain(key: K): Promise<void> {
    await Promise.resolve(); // so that `#active` holds this promise before any work begins
    for (let next = this.#pending.get(key); next !== undefined; next = this.#pending.get(key)) {
      this.#pending.delete(key);
      try {
        await this.#run(key, next.request);
      } catch (error) {
        this.#onError(key, error);
      }
    }
    this.#active.delete(key);
  }
}
