import { KmError, type ErrorCode } from '../../base/index.ts';

/** One wrong field, as `details.causes` of a Status lists it. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** `metav1.Status` of a failed request, its fields in the order in which the real API server writes them. */
export interface FailureStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: string;
  readonly details?: { name?: string; group?: string; kind?: string; uid?: string; causes?: Cause[]; retryAfterSeconds?: number };
  readonly code: number;
}

/** Which resource an error speaks of: `pods`, `deployments.apps`. */
export interface QualifiedResource {
  readonly group: string;
  readonly resource: string;
}

const CODES: Readonly<Record<number, ErrorCode>> = { 401: 'denied', 403: 'denied', 404: 'not-found', 409: 'conflict', 410: 'unavailable', 500: 'internal', 501: 'unavailable', 503: 'unavailable', 504: 'timeout' };

/** A request that failed, with the Status that the client gets. The wording follows apimachinery/pkg/api/errors. */
export class ApiError extends KmError {
  readonly status: FailureStatus;

  constructor(code: number, reason: string, message: string, details?: FailureStatus['details']) {
    super(CODES[code] ?? 'invalid', message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === '' ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

const qualified = ({ group, resource }: QualifiedResource): string => (group === '' ? resource : `${resource}.${group}`);

function detailsOf({ group, resource }: QualifiedResource, name: string): FailureStatus['details'] {
  return { name, ...(group === '' ? {} : { group }), kind: resource };
}

export function notFound(resource: QualifiedResource, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** No such path: not an object that is missing but something that this server does not have. */
export function noSuchPath(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: QualifiedResource, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, detailsOf(resource, name));
}

export function conflict(resource: QualifiedResource, name: string, why: string): ApiError {
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, detailsOf(resource, name));
}

export const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(resource: QualifiedResource, name: string, why: string): ApiError {
  const subject = name === '' ? qualified(resource) : `${qualified(resource)} "${name}"`;
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, detailsOf(resource, name));
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function unsupportedMedia(accepted: readonly string[]): ApiError {
  return new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
}

export function notAcceptable(accepted: readonly string[]): ApiError {
  return new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

/** A version that the server has forgotten: the client has to list anew. */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message);
}

export function unauthorized(): ApiError {
  return new ApiError(401, 'Unauthorized', 'Unauthorized');
}

/** 422: the object as a whole is well-formed, these fields of it are wrong. */
export function invalid(group: string, kind: string, name: string, causes: readonly Cause[]): ApiError {
  const words = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = words.length === 1 ? words[0] : `[${words.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${kind}${group === '' ? '' : `.${group}`} "${name}" is invalid: ${list}`, {
    name,
    ...(group === '' ? {} : { group }),
    kind,
    causes: [...causes],
  });
}

const withDetail = (message: string, detail: string): string => (detail === '' ? message : `${message}: ${detail}`);

/** The kinds of wrong fields, worded as apimachinery/pkg/util/validation/field words them. */
export const field = {
  required: (path: string, detail = ''): Cause => ({ reason: 'FieldValueRequired', message: withDetail('Required value', detail), field: path }),
  invalid: (path: string, value: unknown, detail: string): Cause => ({ reason: 'FieldValueInvalid', message: withDetail(`Invalid value: ${JSON.stringify(value) ?? 'null'}`, detail), field: path }),
  duplicate: (path: string, value: unknown): Cause => ({ reason: 'FieldValueDuplicate', message: `Duplicate value: ${JSON.stringify(value)}`, field: path }),
  forbidden: (path: string, detail: string): Cause => ({ reason: 'FieldValueForbidden', message: withDetail('Forbidden', detail), field: path }),
  notFound: (path: string, value: unknown): Cause => ({ reason: 'FieldValueNotFound', message: `Not found: ${JSON.stringify(value)}`, field: path }),
  notSupported: (path: string, value: unknown, supported: readonly string[]): Cause => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${[...supported].sort().map((s) => JSON.stringify(s)).join(', ')}`,
    field: path,
  }),
};
