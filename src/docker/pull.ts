import type Docker from 'dockerode';
import { KmError, systemClock, type ErrorCode } from '../base/index.ts';
import { dialStream } from './dial.ts';
import { NO_SPACE, wordsOf } from './engine-error.ts';
import type { PullOptions, RegistryAuth } from './engine.ts';
import { linesOf } from './lines.ts';

/** As the kubelet's --image-pull-progress-deadline. */
const NO_PROGRESS_MS = 60_000;

/** A pull that failed. */
export class PullError extends KmError {
  /** The registry answered 502, 503 or 504: the kubelet calls that `RegistryUnavailable` instead of `ErrImagePull`. */
  readonly registryUnavailable: boolean;

  constructor(code: ErrorCode, message: string, registryUnavailable: boolean) {
    super(code, message);
    this.registryUnavailable = registryUnavailable;
  }
}

/** Pulls an image and returns when the Engine has it. Throws `PullError`, or code `timeout` without progress. */
export async function pull(docker: Docker, reference: string, options: PullOptions): Promise<void> {
  const noProgressMs = options.noProgressMs ?? NO_PROGRESS_MS;
  const stalled = new AbortController();
  const signal = options.signal === undefined ? stalled.signal : AbortSignal.any([options.signal, stalled.signal]);
  const give = (): void => stalled.abort(new KmError('timeout', `Cancel pulling image "${reference}": no progress for ${noProgressMs / 1000} s`));
  let cancel = systemClock.after(noProgressMs, give);
  try {
    const answer = await dialStream(docker, {
      method: 'POST',
      path: '/images/create',
      query: splitReference(reference),
      ...(options.auth !== undefined && { authconfig: registryAuth(options.auth) }),
      signal,
    });
    let last = '';
    for await (const line of linesOf(answer)) {
      if (line === last) continue;
      last = line;
      cancel();
      cancel = systemClock.after(noProgressMs, give);
      const failure = failureIn(line);
      if (failure !== undefined) throw pullError(failure.message, failure.code);
    }
  } catch (error) {
    if (stalled.signal.aborted) throw stalled.signal.reason;
    if (error instanceof KmError || (error as { statusCode?: number }).statusCode === undefined) throw error;
    throw pullError(wordsOf(error), (error as { statusCode?: number }).statusCode);
  } finally {
    cancel();
  }
}

/** Name and tag (or digest) as the Engine takes them; without either it would fetch every tag. */
export function splitReference(reference: string): { fromImage: string; tag: string } {
  const at = reference.indexOf('@');
  if (at >= 0) return { fromImage: reference.slice(0, at), tag: reference.slice(at + 1) };
  const colon = reference.lastIndexOf(':');
  if (colon < 0 || reference.includes('/', colon)) return { fromImage: reference, tag: 'latest' };
  return { fromImage: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

function registryAuth(auth: RegistryAuth): object {
  return {
    username: auth.username ?? '',
    password: auth.password ?? '',
    serveraddress: auth.serverAddress ?? '',
    ...(auth.identityToken !== undefined && { identitytoken: auth.identityToken }),
    ...(auth.registryToken !== undefined && { registrytoken: auth.registryToken }),
  };
}

/** The Engine answers 200 before it begins; what goes wrong later is a line of the progress. */
function failureIn(line: string): { message: string; code?: number } | undefined {
  let parsed: { error?: string; errorDetail?: { code?: number; message?: string } } | null;
  try {
    parsed = JSON.parse(line) as typeof parsed;
  } catch {
    return undefined;
  }
  const message = parsed?.errorDetail?.message ?? parsed?.error;
  if (message === undefined) return undefined;
  return parsed?.errorDetail?.code === undefined ? { message } : { message, code: parsed.errorDetail.code };
}

/** Sorts by Docker's words first: the same failure comes with other statuses from other versions. */
export function pullError(words: string, status: number | undefined): PullError {
  const registryUnavailable = status !== undefined && [502, 503, 504].includes(status);
  return new PullError(pullCode(words, status), words, registryUnavailable);
}

function pullCode(words: string, status: number | undefined): ErrorCode {
  if (/access denied|unauthorized|authentication required|no basic auth|denied:/i.test(words)) return 'denied';
  if (/invalid reference|invalid tag|must be lowercase/i.test(words)) return 'invalid';
  if (NO_SPACE.test(words)) return 'no-space';
  if (/manifest unknown|not found|no matching manifest|does not exist/i.test(words)) return 'not-found';
  if (status === 404) return 'not-found';
  return status === 400 ? 'invalid' : 'unavailable';
}
