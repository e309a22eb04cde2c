import { readFileSync } from 'node:fs';

/** What a moment counts in which somebody on this machine waits for a processor: others may have it all. */
const SHARE_OF_BUSY = 0.2;

/** How long somebody waits for something that has to happen: longer on a machine that is busy with other things. */
export class Patience {
  readonly #ms: number;
  readonly #began = Date.now();
  readonly #waitedBefore = waitedMs();

  /** `ms`: on a machine with nothing else to do. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  get isOver(): boolean {
    const passed = Date.now() - this.#began;
    return passed > this.#ms && passed - (1 - SHARE_OF_BUSY) * (waitedMs() - this.#waitedBefore) > this.#ms;
  }
}

/** For so long, milliseconds, some process has waited for a processor since the boot; 0 where the kernel does not tell (CONFIG_PSI). */
function waitedMs(): number {
  try {
    return Number(/^some .*total=(\d+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 0) / 1000;
  } catch {
    return 0;
  }
}
