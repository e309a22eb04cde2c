import { KmError } from '../../base/index.ts';

/** Questions that are asked at the same time are asked once. Throws code `unavailable` when too many different ones are open. */
export class SingleFlight<T> {
  readonly #limit: number;
  readonly #open = new Map<string, Promise<T>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  ask(key: string, work: () => Promise<T>): Promise<T> {
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    if (this.#open.size >= this.#limit) return Promise.reject(new KmError('unavailable', 'too many requests wait for the Kubernetes API'));
    const answer = work().finally(() => this.#open.delete(key));
    this.#open.set(key, answer);
    return answer;
  }
}
