import { readFile } from 'node:fs/promises';
import { KmError, type Clock } from '../base/index.ts';
import type { ClusterAccess, TlsMaterial } from './access.ts';
import type { ExecPlugin } from './exec-plugin.ts';

/** Text as it stands in the kubeconfig, or a file that may change under us. */
export type Material = { readonly text: string } | { readonly file: string };

/** How long what a file held is trusted, milliseconds (client-go re-reads a token file every minute). */
const FILE_FRESH_MS = 60_000;

export interface CredentialsOptions {
  readonly server: string;
  readonly namespace: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly tlsServerName?: string | undefined;
  readonly ca?: Material | undefined;
  readonly cert?: Material | undefined;
  readonly key?: Material | undefined;
  readonly token?: Material | undefined;
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  readonly plugin?: ExecPlugin | undefined;
  readonly clock: Clock;
}

/** Credentials from fixed text, files and an exec plugin. */
export class Credentials implements ClusterAccess {
  readonly server: string;
  readonly namespace: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly tlsServerName?: string;
  readonly #options: CredentialsOptions;
  readonly #files = new Map<string, { text: string; readAt: number }>();

  constructor(options: CredentialsOptions) {
    this.server = options.server;
    this.namespace = options.namespace;
    this.insecureSkipTlsVerify = options.insecureSkipTlsVerify;
    if (options.tlsServerName !== undefined) this.tlsServerName = options.tlsServerName;
    this.#options = options;
  }

  async authorization(): Promise<string | undefined> {
    const { token, basic, plugin } = this.#options;
    if (token !== undefined) return `Bearer ${(await this.#text(token)).trim()}`;
    if (basic !== undefined) return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
    const given = await plugin?.credential();
    return given?.token === undefined ? undefined : `Bearer ${given.token}`;
  }

  async tls(): Promise<TlsMaterial> {
    const { ca, cert, key, plugin } = this.#options;
    const given = await plugin?.credential();
    const material = {
      ca: ca && (await this.#text(ca)),
      cert: cert ? await this.#text(cert) : given?.cert,
      key: key ? await this.#text(key) : given?.key,
    };
    return {
      ...(material.ca !== undefined && { ca: material.ca }),
      ...(material.cert !== undefined && { cert: material.cert }),
      ...(material.key !== undefined && { key: material.key }),
    };
  }

  async clientCertificate(): Promise<string | undefined> {
    const { cert, plugin } = this.#options;
    return cert === undefined ? plugin?.given?.cert : this.#text(cert);
  }

  /** Reads all files once, so that a wrong path is told at the start. Later a file that is away leaves what it held. Throws code `invalid`. */
  async check(): Promise<this> {
    const { ca, cert, key, token } = this.#options;
    for (const material of [ca, cert, key, token]) if (material !== undefined) await this.#text(material);
    return this;
  }

  renew(): void {
    for (const file of this.#files.values()) file.readAt = -Infinity;
    this.#options.plugin?.renew();
  }

  async #text(material: Material): Promise<string> {
    if ('text' in material) return material.text;
    const now = this.#options.clock.now();
    const known = this.#files.get(material.file);
    if (known !== undefined && now - known.readAt < FILE_FRESH_MS) return known.text;
    try {
      const text = await readFile(material.file, 'utf8');
      this.#files.set(material.file, { text, readAt: now });
      return text;
    } catch (error) {
      if (known !== undefined) return known.text; // it is just being replaced; the server will tell if it is too old
      throw new KmError('invalid', `credentials of the Kubernetes API: ${material.file} cannot be read`, { cause: error });
    }
  }
}
