import type { CrashBackoff } from './crash-backoff.ts';

/** One step on the way from what is to what should be. `runtime/run-actions` executes every kind, in the order of the list. */
export type PodAction =
  /** Ends every container and the sandbox of the pod, and then looks again (the sandbox is broken or the pod is over). */
  | { readonly kind: 'kill-pod'; readonly reason: 'sandbox-changed' | 'completed' }
  /** A new sandbox; `attempt` is one more than that of the newest known. */
  | { readonly kind: 'create-sandbox'; readonly attempt: number }
  | { readonly kind: 'kill-container'; readonly id: string; readonly name: string; readonly why: KillReason; readonly message: string }
  /**
   * `attempt` becomes the restart count. `init` containers run one at a time. `crashBackoff`, where there is one, is to be
   * remembered for this container's name when the start is tried.
   */
  | {
      readonly kind: 'start-container';
      readonly name: string;
      readonly init: boolean;
      readonly attempt: number;
      readonly crashBackoff?: CrashBackoff;
    }
  /** The container crashed lately: leave it until `untilMs` (milliseconds since the epoch); then look again. */
  | { readonly kind: 'back-off'; readonly name: string; readonly id: string; readonly delayMs: number; readonly untilMs: number };

/** `stray`: it runs in an older sandbox, or beside a newer container of its name. */
export type KillReason = 'liveness' | 'startup' | 'spec-changed' | 'post-start-failed' | 'stray' | 'pod-over';
