import { type Clock, sleep } from '../base/index.ts';

/** Time kept back from the shutdown grace for removing containers and telling both sides, milliseconds; at most half of the grace. */
const RESERVE_MS = 2000;

/** Longest wait for acknowledgements at the end: a framework that is torn down acknowledges nothing any more. */
const LAST_WORDS_MS = 1000;

/** The agent kills at the very end of the grace: we are gone so much sooner, milliseconds; at most a tenth of the grace. */
const LAST_MARGIN_MS = 500;

/** What only has to hear that it is over gets so much when nothing is left, milliseconds. */
const LAST_BREATH_MS = 50;

/** How the grace of a SHUTDOWN that begins now is spent, in milliseconds. */
export interface ShutdownTimes {
  readonly reserveMs: number;
  readonly leftMs: () => number;
  readonly lastWordsMs: () => number;
  /** Waits for it as long as there is time: what is not over then ends with the process. */
  readonly inTime: (work: Promise<unknown>) => Promise<void>;
}

export function shutdownTimes(clock: Clock, graceMs: number): ShutdownTimes {
  const until = clock.elapsed() + graceMs - Math.min(LAST_MARGIN_MS, graceMs / 10);
  const leftMs = (): number => until - clock.elapsed();
  const inTime = async (work: Promise<unknown>): Promise<void> => {
    const over = new AbortController();
    try {
      await Promise.race([work, sleep(clock, Math.max(leftMs(), LAST_BREATH_MS), over.signal).catch(() => undefined)]);
    } finally {
      over.abort();
    }
  };
  return { reserveMs: Math.min(RESERVE_MS, graceMs / 2), leftMs, lastWordsMs: () => Math.max(0, Math.min(LAST_WORDS_MS, leftMs())), inTime };
}
