import { KmError } from './errors.ts';

/** Time as the product sees it; tests pass one of their own. All values in milliseconds. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment. Goes on evenly where the wall clock is set: for all that takes or waits so long, and is not kept. */
  elapsed(): number;
  /** Calls `fn` once after `ms`; the returned function takes it back. Does not keep the process alive. */
  after(ms: number, fn: () => void): () => void;
}

/** Longest delay a Node timer can hold (2^31 - 1 ms); beyond it Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, fn) => {
    let timer: NodeJS.Timeout;
    const set = (leftMs: number): void => {
      const rest = leftMs - LONGEST_TIMER_MS;
      timer = rest > 0 ? setTimeout(() => set(rest), LONGEST_TIMER_MS) : setTimeout(fn, Math.max(leftMs, 0));
      timer.unref();
    };
    set(ms);
    return () => clearTimeout(timer);
  },
};

/** Aborts after so many milliseconds; after those of the longest timer if they are more, where `AbortSignal.timeout` would abort at once or throw. */
export function timeoutSignal(ms: number): AbortSignal {
  return AbortSignal.timeout(Math.min(Math.ceil(ms), LONGEST_TIMER_MS));
}

/** Resolves after `ms`; rejects with code `aborted` as soon as `signal` aborts. Leaves no timer behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    const onAbort = (): void => {
      cancel();
      reject(aborted(signal as AbortSignal));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The error with which work ends whose signal has aborted. */
export function aborted(signal: AbortSignal): KmError {
  return signal.reason instanceof KmError ? signal.reason : new KmError('aborted', 'aborted', { cause: signal.reason });
}
