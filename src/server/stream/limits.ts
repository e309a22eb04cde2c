import type { Clock } from '../../base/index.ts';

/** How long a client may be silent, milliseconds. */
export interface StreamLimits {
  readonly clock: Clock;
  /** On a connection that is in use. */
  readonly idleTimeoutMs: number;
  /** Before it has opened all streams that belong together. */
  readonly creationTimeoutMs: number;
}
