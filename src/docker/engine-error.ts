import { KmError, aborted, type ErrorCode } from '../base/index.ts';

/** The name that a container was to get belongs to another one. */
export class NameConflict extends KmError {
  /** The other one's id; absent when Docker does not tell. */
  readonly otherId: string | undefined;

  constructor(message: string, otherId: string | undefined) {
    super('conflict', message);
    this.otherId = otherId;
  }
}

/** What the Engine was asked to do: the same status means different things. */
export type EngineCall = 'create' | 'start' | 'pull' | 'exec' | 'other';

/** What docker-modem throws: an answer's status, or a socket's `code`. */
interface ForeignError {
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | null;
  readonly code?: string;
  readonly message?: string;
}

/**
 * Words by which runc and Docker say that the container's own settings are at fault; all else may be the machine's, of which a pod's user is told
 * nothing.
 */
const WORKLOAD = new RegExp(
  [
    'OCI runtime|executable file not found|exec format error',
    'no such file or directory|permission denied|operation not permitted|read-only file system|is a directory|not a directory|file exists|file name too long|too many levels of symbolic links',
    'invalid mount|mount path must be|bind source path does not exist|is not a shared (or slave )?mount|relabeling',
    'unable to find user|unable to find group|must be in range|no matching entries in passwd|unknown capability|could not select device driver|device information|seccomp|apparmor',
    'invalid (argument|reference|volume|port|env)',
  ].join('|'),
  'i',
);

/** Words of a machine that is busy: the same container may start a moment later. */
const TRANSIENT = /port is already allocated|address already in use|device or resource busy|too many open files|resource temporarily unavailable|cannot allocate memory/i;

/** Words of a disk that is full: trying again is not all that is to be done. */
export const NO_SPACE = /no space left on device|disk quota exceeded/i;

const NAME_CONFLICT = /container name "[^"]*" is already in use by (?:container )?"?([0-9a-f]{12,64})?"?/i;

/** Of a call that took longer than it may: what it was to do may be done all the same. */
export function noAnswer(ms: number): KmError {
  return new KmError('timeout', `no answer of the Docker Engine within ${ms / 1000} s`);
}

/** Docker's own sentence, without what docker-modem puts around it. */
export function wordsOf(error: unknown): string {
  const { json, message } = error as ForeignError;
  const own = typeof json?.message === 'string' ? json.message : (message ?? String(error));
  return own.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
}

/** Turns what a call on the Engine threw into one of our errors. Ours pass through. The Engine's own words are all that its answers say: no cause repeats them. */
export function translateError(error: unknown, call: EngineCall, signal?: AbortSignal): KmError {
  if (error instanceof KmError) return error;
  if (signal?.aborted === true) return aborted(signal);
  const words = wordsOf(error);
  const { statusCode, code } = error as ForeignError;
  if (statusCode === undefined) return socketError(words, code, error);
  const name = call === 'create' && statusCode === 409 ? NAME_CONFLICT.exec(words) : null;
  if (name !== null) return new NameConflict(words, name[1]);
  return new KmError(codeOf(statusCode, words, call), words);
}

function socketError(words: string, code: string | undefined, cause: unknown): KmError {
  const away: Readonly<Record<string, ErrorCode>> = { EACCES: 'denied', EPERM: 'denied' };
  const known = code !== undefined && /^E[A-Z]+$|^HPE_|^UND_|^CERT_|^ERR_TLS|^ERR_STREAM_PREMATURE_CLOSE$/.test(code);
  const message = `cannot reach the Docker Engine: ${words}`;
  return new KmError(code !== undefined && away[code] !== undefined ? away[code] : known ? 'unavailable' : 'internal', message, { cause });
}

function codeOf(status: number, words: string, call: EngineCall): ErrorCode {
  if (TRANSIENT.test(words)) return 'unavailable';
  if (status >= 500 && call !== 'other' && NO_SPACE.test(words)) return 'no-space';
  if (call === 'start' || call === 'create' || call === 'exec') {
    // The sandbox whose namespaces it was to join.
    if (/^No such container/i.test(words)) return 'not-found';
    if (status === 400 || ((status === 404 || status >= 500) && WORKLOAD.test(words))) return 'workload';
  }
  if (status === 400) return 'invalid';
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 409) return 'conflict';
  return status >= 500 ? 'unavailable' : 'internal';
}
