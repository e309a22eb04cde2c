import type { Event } from './messages.ts';

/**
 * Hands events over one after the other, apart from the reading of the stream: who handles SHUTDOWN may wait for
 * acknowledgements, which come behind it on the same stream.
 *
 * Between awaits: at most one event is being handled; the others wait in the order in which they came.
 */
export class EventQueue {
  readonly #handle: (event: Event) => void | Promise<void>;
  readonly #onError: (event: Event, error: unknown) => void;
  #waiting: Event[] = [];
  #busy = false;
  #closed = false;

  constructor(handle: (event: Event) => void | Promise<void>, onError: (event: Event, error: unknown) => void) {
    this.#handle = handle;
    this.#onError = onError;
  }

  push(event: Event): void {
    if (this.#closed) return;
    this.#waiting.push(event);
    if (!this.#busy) void this.#drain();
  }

  /** Takes back the events that nobody has begun to handle and that `unwanted` picks; returns how many. */
  drop(unwanted: (event: Event) => boolean): number {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter((event) => !unwanted(event));
    return before - this.#waiting.length;
  }

  /** Drops what waits and takes nothing more; the event that is being handled is left alone. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift()) {
      try {
        await this.#handle(event);
      } catch (error) {
        this.#onError(event, error);
      }
    }
    this.#busy = false;
  }
}
