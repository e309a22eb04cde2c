import type { Clock } from '../base/index.ts';
import type { KillCause } from '../status/index.ts';
import type { PodRecord } from './journal-entry.ts';

/**
 * After so long without a change the API's status is compared with what we said, milliseconds: as often as the kubelet does
 * (Kubernetes v1.20 pkg/kubelet/status: syncPeriod).
 */
const RECHECK_MS = 10_000;

/** The timers of one task; all end with `stop`. */
export class TaskTimers {
  readonly #clock: Clock;
  #completion: (() => void) | undefined;
  #launch: (() => void) | undefined;
  #recheck: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Both ends that a task may come to by time alone: `max_completion_time` and the launch grace period (milliseconds). */
  start({ launchedAt, maxCompletionMs, pod }: PodRecord, launchGraceMs: number, end: (cause: KillCause) => void): void {
    const after = (ms: number, cause: KillCause): (() => void) => this.#clock.after(Math.min(ms, launchedAt + ms - this.#clock.now()), () => end(cause)); // the clock may have been set back
    this.#launch = after(launchGraceMs, { kind: 'launch-timeout', message: `pod ${pod.metadata.name} is not running ${launchGraceMs / 1000}s after its launch` });
    if (maxCompletionMs === undefined) return;
    this.#completion = after(maxCompletionMs, { kind: 'max-completion-time', message: `not completed within ${maxCompletionMs / 1000}s` });
  }

  /** It runs: the launch grace period is over. */
  launched(): void {
    this.#launch?.();
  }

  /** Looks once the pod has come to rest: somebody else may have overwritten its status. */
  recheckLater(look: () => void): void {
    this.#recheck?.();
    this.#recheck = this.#clock.after(RECHECK_MS, look);
  }

  stop(): void {
    this.#completion?.();
    this.#launch?.();
    this.#recheck?.();
  }
}
