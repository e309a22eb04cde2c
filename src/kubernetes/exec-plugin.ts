import { execFile } from 'node:child_process';
import { KmError, type Clock } from '../base/index.ts';

/** What a plugin gave us. */
export interface ExecCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds since the epoch; absent: until the server refuses it. */
  readonly expiresAt?: number;
}

const TIMEOUT_MS = 60_000;

export interface ExecPluginOptions {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly clock: Clock;
}

/**
 * A program that prints an `ExecCredential` (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/). It runs once
 * for all who ask at the same time; what it gave is kept until it expires or the server refuses it.
 */
export class ExecPlugin {
  readonly #options: ExecPluginOptions;
  #current: Promise<ExecCredential> | undefined;
  #given: ExecCredential | undefined;

  constructor(options: ExecPluginOptions) {
    this.#options = options;
  }

  /** Throws code `denied` when the program fails; its output is not repeated, it may hold secrets. */
  async credential(): Promise<ExecCredential> {
    const running = this.#current;
    if (running !== undefined) {
      const known = await running.catch(() => undefined);
      if (known !== undefined && (known.expiresAt ?? Infinity) > this.#options.clock.now()) return known;
      if (this.#current === running) this.#current = undefined;
    }
    this.#current ??= this.#run();
    return this.#current;
  }

  /** What it gave last, be it good or not. */
  get given(): ExecCredential | undefined {
    return this.#given;
  }

  renew(): void {
    this.#current = undefined;
  }

  async #run(): Promise<ExecCredential> {
    const { apiVersion, command, args, env } = this.#options;
    const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        command,
        args,
        { env: { ...process.env, KUBERNETES_EXEC_INFO: info, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) }, timeout: TIMEOUT_MS, maxBuffer: 1 << 20 },
        (error, stdout) => {
          if (error === null) resolve(stdout);
          else reject(new KmError('denied', `credential plugin ${command} failed: ${typeof error.code === 'number' ? `exit code ${error.code}` : (error.code ?? error.signal ?? 'timeout')}`));
        },
      );
    });
    this.#given = parse(command, output);
    return this.#given;
  }
}

function parse(command: string, output: string): ExecCredential {
  let status: { token?: string; clientCertificateData?: string; clientKeyData?: string; expirationTimestamp?: string } | null | undefined;
  try {
    status = (JSON.parse(output) as { status?: typeof status } | null)?.status;
  } catch {
    status = undefined;
  }
  if (status === undefined || status === null || (status.token === undefined && status.clientCertificateData === undefined)) {
    throw new KmError('denied', `credential plugin ${command} printed no ExecCredential with a status`);
  }
  const expiresAt = status.expirationTimestamp === undefined ? NaN : Date.parse(status.expirationTimestamp);
  return {
    ...(status.token !== undefined && { token: status.token }),
    ...(status.clientCertificateData !== undefined && { cert: status.clientCertificateData }),
    ...(status.clientKeyData !== undefined && { key: status.clientKeyData }),
    ...(!Number.isNaN(expiresAt) && { expiresAt }),
  };
}
