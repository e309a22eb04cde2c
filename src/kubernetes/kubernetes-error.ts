import { isCode, KmError, messageOf, type ErrorCode } from '../base/index.ts';

/**
 * What the API (or the way to it) answered, as one of our codes: `not-found` (404), `conflict` (409, 410), `denied` (401, 403), `invalid`
 * (other refusals), `unavailable` (429, 5xx, refused, connection lost, a 404 that is not the API's own), `timeout`, `aborted`, `internal`
 * (an answer that is no JSON). The message is that of the `Status` object.
 */
export class KubernetesError extends KmError {
  /** `reason` of the `Status` object, e.g. `AlreadyExists`, `Expired`; absent when there was none. */
  readonly reason: string | undefined;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; reason?: string | undefined; retryAfterMs?: number | undefined } = {}) {
    super(code, message, { retryAfterMs: options.retryAfterMs, ...(options.cause !== undefined && { cause: options.cause }) });
    this.name = 'KubernetesError';
    this.reason = options.reason;
  }
}

/** The parts of a `Status` object that we read. */
export interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** `what` is the request in a few words: `GET /api/v1/nodes/a`. */
export function errorOfAnswer(what: string, httpStatus: number, body: string, retryAfter?: string): KubernetesError {
  const status = statusIn(body);
  const message = status?.message ?? `${what}: HTTP ${httpStatus}`;
  return new KubernetesError(codeOf(httpStatus, status), message, {
    reason: status?.reason,
    retryAfterMs: retryAfterMs(retryAfter) ?? (status?.details?.retryAfterSeconds === undefined ? undefined : status.details.retryAfterSeconds * 1000),
  });
}

function codeOf(httpStatus: number, status: Status | undefined): ErrorCode {
  if (httpStatus === 401 || httpStatus === 403) return 'denied';
  // A proxy's or a half-started server's 404 says nothing about the object: only the API's own does (promise: no pod ends by mistake).
  if (httpStatus === 404) return status?.reason === 'NotFound' ? 'not-found' : 'unavailable';
  if (httpStatus === 409 || httpStatus === 410) return 'conflict';
  if (httpStatus === 408 || httpStatus === 429 || httpStatus >= 500) return 'unavailable';
  return httpStatus >= 400 ? 'invalid' : 'internal';
}

function statusIn(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Status | null;
    return typeof parsed === 'object' && parsed?.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds of a `Retry-After` header in seconds; a date is not used by Kubernetes. */
function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header === undefined || header === '' || !Number.isFinite(seconds) || seconds < 0 ? undefined : seconds * 1000;
}

/** What failed before an answer was complete. */
export function errorOfFailure(what: string, error: unknown): KmError {
  if (error instanceof KmError) return error;
  const code = codeIn(error);
  if (/^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(code)) return new KubernetesError('timeout', `${what}: no answer in time`, { cause: error });
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' || code === 'UND_ERR_ABORTED') return new KubernetesError('aborted', `${what}: aborted`);
  return new KubernetesError('unavailable', `${what}: ${messageOf(error)}`, { cause: error });
}

/** True when the connection broke under the request, so that the same request may be sent once more at once. */
export function brokeOnTheWay(error: unknown): boolean {
  return isCode(error, 'unavailable') && /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/.test(codeIn(error.cause));
}

function codeIn(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
