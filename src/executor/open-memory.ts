import { Backoff, isNoSpace, messageOf, sleep } from '../base/index.ts';
import { Memory, type MemoryOptions } from './memory.ts';

/**
 * Opens the memory of an executor; on a disk that is full, as soon as there is room: what runs goes on meanwhile, and whoever
 * works without writing it down would lose tasks. Throws code `invalid` when the journal is damaged; what says that the disk is full, where
 * it is not to wait.
 */
export async function openMemory({ waits, ...options }: MemoryOptions & { readonly waits: boolean }): Promise<Memory> {
  const backoff = new Backoff({ initialMs: 250, maxMs: 2000 });
  const alive = setInterval(() => undefined, LONGEST_MS); // timers of the clock keep no process alive
  try {
    for (;;) {
      try {
        return new Memory(options);
      } catch (error) {
        if (!waits || !isNoSpace(error)) throw error;
        options.logger.error('the disk of --root-dir is full: the executor waits for room', { error: messageOf(error) });
        await sleep(options.clock, backoff.next());
      }
    }
  } finally {
    clearInterval(alive);
  }
}

const LONGEST_MS = 2 ** 31 - 1;
