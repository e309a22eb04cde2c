import { aborted, type Clock } from '../base/index.ts';

/** Whether `work` is done within `ms`. Rejects as `work` does, or with code `aborted` when `signal` aborts; leaves no timer or listener behind. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) throw aborted(signal);
  const end = Promise.withResolvers<boolean>();
  const onAbort = (): void => end.reject(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(ms, () => end.resolve(false));
  work.then(() => end.resolve(true), end.reject);
  try {
    return await end.promise;
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}
