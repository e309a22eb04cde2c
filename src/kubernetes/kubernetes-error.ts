import { KmError, type ErrorCode } from '../base/index.ts';

/**
 * What the API (or the way to it) answered, as one of our codes: `not-found` (404, 410), `conflict` (409), `denied` (401, 403), `invalid`
 * (400, 422 and other refusals), `unavailable` (429, 5xx, refused, connection lost), `timeout`, `aborted`, `internal` (no JSON).
 * The message is that of the `Status` object.
 */
export class KubernetesError extends KmError {
  /** `reason` of the `Status` object, e.g. `AlreadyExists`, `Expired`; absent when there was no answer. */
  readonly reason: string | undefined;
  /** How long the server asks us to wait before the next try, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; reason?: string | undefined; retryAfterMs?: number | undefined } = {}) {
    super(code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KubernetesError';
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}
