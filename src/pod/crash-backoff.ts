import type { WaitingReason } from './observed.ts';
import { goDuration } from './times.ts';
import type { ValidPod } from './types.ts';

/** What is remembered of a container's last restart, by container name. All times milliseconds. */
export interface CrashBackoff {
  /** The next restart comes no sooner than this after the container finished. */
  readonly delayMs: number;
  /** When the restart that set `delayMs` was tried, since the epoch. */
  readonly updatedAt: number;
  /** Hash of the spec that crashed: a changed spec starts anew. */
  readonly hash: string;
}

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 300_000;
/** A container that ran longer than this after its restart is forgiven its past. */
const FORGIVEN_AFTER_MS = 2 * LONGEST_DELAY_MS;
/** By how much a container may have ended in our future: clocks are corrected by a little all the time. */
const CLOCK_SLACK_MS = 1000;

/**
 * Until when (milliseconds since the epoch) a container that ended at `finishedAt` is left alone; undefined when it may be
 * restarted now. The first restart is immediate: there is no entry yet.
 *
 * Kubernetes v1.20 client-go util/flowcontrol/backoff.go, pkg/kubelet/kuberuntime (doBackOff).
 */
export function backOffUntil(entry: CrashBackoff | undefined, finishedAt: number, hash: string, now: number): number | undefined {
  if (entry === undefined || !holds(entry, finishedAt, hash)) return undefined;
  const until = finishedAt + entry.delayMs;
  const leftMs = until - now;
  return leftMs > 0 && leftMs <= entry.delayMs + CLOCK_SLACK_MS ? until : undefined; // more than all of it: the clock was set back
}

/** The entry to remember when a container that ended at `finishedAt` is restarted at `now`. */
export function nextBackoff(entry: CrashBackoff | undefined, finishedAt: number, hash: string, now: number): CrashBackoff {
  const delayMs =
    entry !== undefined && holds(entry, finishedAt, hash) ? Math.min(entry.delayMs * 2, LONGEST_DELAY_MS) : FIRST_DELAY_MS;
  return { delayMs, updatedAt: now, hash };
}

/** `state.waiting` of a container that waits for its back-off to end. */
export function crashLoopWaiting(pod: ValidPod, containerName: string, delayMs: number): WaitingReason {
  const { name, namespace, uid } = pod.metadata;
  const who = `container=${containerName} pod=${name}_${namespace}(${uid})`;
  return { reason: 'CrashLoopBackOff', message: `back-off ${goDuration(delayMs)} restarting failed ${who}` };
}

function holds(entry: CrashBackoff, finishedAt: number, hash: string): boolean {
  return entry.hash === hash && finishedAt - entry.updatedAt <= FORGIVEN_AFTER_MS;
}
