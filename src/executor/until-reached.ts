import { Backoff, type Clock, isCode, messageOf, sleep } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';

interface Reaching<T> {
  readonly what: string;
  readonly work: () => Promise<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Tries until it works or `signal` aborts; the agent gives an executor a minute to subscribe. Throws at once what trying again does not mend. */
export async function untilReached<T>({ what, work, clock, logger, signal }: Reaching<T>): Promise<T> {
  const backoff = new Backoff({ initialMs: 100, maxMs: 2000 });
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isCode(error, 'unavailable', 'timeout') || signal.aborted) throw error;
      logger.warn(`cannot reach ${what}, trying again`, { error: messageOf(error) });
      await sleep(clock, backoff.next(), signal);
    }
  }
}
