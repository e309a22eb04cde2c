import { execFile } from 'node:child_process';
import { KmError } from '../../base/index.ts';
import type { RegistryAuth } from '../engine.ts';

const TIMEOUT_MS = 30_000;
/** Its words for "I know nothing of that registry" (github.com/docker/docker-credential-helpers credentials/error.go). */
const NOT_FOUND = 'credentials not found in native keychain';
/** The name that stands for "the secret is an identity token". */
const TOKEN_USER = '<token>';

export interface HelperCall {
  /** `ecr-login` for the program `docker-credential-ecr-login`, which is looked for in `PATH`. */
  readonly helper: string;
  /** As the configuration calls it. */
  readonly registry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Milliseconds; 30 s unless told. */
  readonly timeoutMs?: number;
}

/**
 * Asks a credential helper; `undefined` when it knows nothing of the registry. Throws code `denied` when it fails, without a word of
 * its output, which may be a secret; `aborted` by `signal`.
 * Protocol: https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol
 */
export async function askHelper({ helper, registry, env, signal, timeoutMs = TIMEOUT_MS }: HelperCall): Promise<RegistryAuth | undefined> {
  const program = `docker-credential-${helper}`;
  if (!/^[\w.-]+$/.test(helper)) throw new KmError('invalid', 'a credential helper must be the name of a program, without a path');
  const { failure, output } = await run(program, registry, { env, signal, timeoutMs });
  if (signal.aborted) throw new KmError('aborted', 'aborted', { cause: signal.reason });
  if (failure !== undefined) {
    if (output.trim() === NOT_FOUND) return undefined;
    throw new KmError('denied', `${program} failed: ${failure}`);
  }
  return parse(program, output);
}

function run(program: string, input: string, { env, signal, timeoutMs }: { env: HelperCall['env']; signal: AbortSignal; timeoutMs: number }): Promise<{ failure?: string; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, ['get'], { env, signal, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1 << 20 }, (error, stdout) => {
      if (error === null) return resolve({ output: stdout });
      const why = typeof error.code === 'number' ? `exit code ${error.code}` : (error.code ?? (error.killed === true ? `no answer within ${timeoutMs / 1000} s` : error.signal) ?? 'unknown');
      resolve({ failure: why, output: stdout });
    });
    child.stdin?.on('error', () => undefined); // one that does not read what it is asked ends by itself
    child.stdin?.end(`${input}\n`);
  });
}

function parse(program: string, output: string): RegistryAuth | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null;
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch {
    throw new KmError('denied', `${program} printed no JSON`);
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') throw new KmError('denied', `${program} printed no Username and Secret`);
  if (username === TOKEN_USER) return { identityToken: secret };
  return username === '' ? undefined : { username, password: secret };
}
