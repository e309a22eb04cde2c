/**
 * The few kinds of failure that anybody above an edge may look at. An edge (mesos, kubernetes, docker, volumes)
 * translates what its library throws into one of these; nobody else reads a status code.
 *
 * - `invalid`      the user's fault: a field, a flag, a file. The message names it.
 * - `not-found`    the thing does not exist (any more).
 * - `conflict`     it exists already, or another version or UID of it does.
 * - `denied`       credentials missing or not sufficient.
 * - `unavailable`  the other side is away or overloaded; trying again later may help.
 * - `timeout`      it took longer than it may.
 * - `aborted`      our own AbortSignal ended it.
 * - `workload`     the user's container cannot run (no such command, no such image); trying again changes nothing by itself.
 * - `no-space`     a disk is full; trying again later may help, and somebody has to make room.
 * - `internal`     all else: a bug of ours or an answer nobody understands.
 */
export type ErrorCode =
  | 'invalid'
  | 'not-found'
  | 'conflict'
  | 'denied'
  | 'unavailable'
  | 'timeout'
  | 'aborted'
  | 'workload'
  | 'no-space'
  | 'internal';

export class KmError extends Error {
  readonly code: ErrorCode;
  /** Why a pod is refused, in the one word that `Pod.status.reason` has for it: `OutOfcpu`. */
  readonly refusal: string | undefined;
  /** How long the other side asks to be left alone before the next try, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; refusal?: string; retryAfterMs?: number | undefined }) {
    super(message, options);
    this.name = 'KmError';
    this.code = code;
    this.refusal = options?.refusal;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** True when `error` is ours and of that kind. */
export function isCode(error: unknown, ...codes: ErrorCode[]): error is KmError {
  return error instanceof KmError && codes.includes(error.code);
}

/** Nobody is waited for longer because he asks for it, milliseconds. */
const LONGEST_ASKED_MS = 60_000;

/** How long whoever failed us, or what that came of, has asked to be left alone, milliseconds: a minute at most; 0 where nobody has. */
export function askedToWaitMs(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  const own = error instanceof KmError ? error.retryAfterMs : undefined;
  return own === undefined ? askedToWaitMs(error.cause) : Math.min(own, LONGEST_ASKED_MS);
}

/** True for ours of code `no-space` and for what a system call says of a full disk or a used-up quota. */
export function isNoSpace(error: unknown): boolean {
  return isCode(error, 'no-space') || ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** One line for a log or a status message: the error and its causes, without stacks. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : messageOf(error.cause);
  const own = error.message !== '' ? error.message : error.name;
  return cause === '' || own.includes(cause) ? own : `${own}: ${cause}`;
}
