import { aborted, type Clock } from './clock.ts';
import type { KmError } from './errors.ts';

/**
 * A signal for work that may take so long and no longer: it aborts with what `late` gives when the time is over, and as soon as one of `sources` does.
 * `dispose` (or `using`) gives back the timer and the listeners: sources outlive any number of calls.
 */
export class TimeLimit implements Disposable {
  readonly #end = new AbortController();
  readonly #release: (() => void)[];

  constructor({ clock, ms, sources, late }: { readonly clock: Clock; readonly ms: number; readonly sources: readonly (AbortSignal | undefined)[]; readonly late: () => KmError }) {
    this.#release = [clock.after(ms, () => this.#end.abort(late()))];
    for (const source of sources) if (source !== undefined) this.#follow(source);
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  #follow(source: AbortSignal): void {
    const onAbort = (): void => this.#end.abort(aborted(source));
    if (source.aborted) return onAbort();
    source.addEventListener('abort', onAbort, { once: true });
    this.#release.push(() => source.removeEventListener('abort', onAbort));
  }

  [Symbol.dispose](): void {
    for (const release of this.#release) release();
  }
}
