import type { Clock } from '../../base/index.ts';

/** Waits until work is over, however it ended, but no longer than so many milliseconds: it goes on by itself. */
export async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(ms, late.resolve);
  await Promise.race([work.catch(() => undefined), late.promise]);
  cancel();
}
