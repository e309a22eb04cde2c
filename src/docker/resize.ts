import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalSize } from './process-streams.ts';

/** The Engine cannot resize a terminal before its process has begun, and does not tell when that is: milliseconds between tries, 2.5 s in all. */
const PAUSES_MS = [0, 10, 20, 40, 80, 160, 320, 640, 1280];

/** Hands on each size of a terminal until `signal` aborts. A failure is left alone: what runs, runs in the old size. */
export async function followSizes(sizes: AsyncIterable<TerminalSize> | undefined, resize: (size: TerminalSize) => Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (sizes === undefined) return;
  const iterator = sizes[Symbol.asyncIterator]();
  const stopped = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  while (!signal.aborted) {
    const next = await Promise.race([iterator.next().catch(() => undefined), stopped]);
    if (next === undefined || next.done === true) break;
    await tryOften(() => resize(next.value), signal);
  }
  // Not waited for: one that waits for a size answers only when that comes.
  void iterator.return?.().catch(() => undefined);
}

async function tryOften(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (const pause of PAUSES_MS) {
    try {
      if (pause > 0) await sleep(pause, undefined, { signal });
      await work();
      return;
    } catch {
      if (signal.aborted) return;
    }
  }
}
