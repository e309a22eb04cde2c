import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, KmError, messageOf, RepeatingTask } from '../../base/index.ts';
import type { KubernetesClient } from '../../kubernetes/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { covers, readKeyPair, validityOf, writeSecret, type KeyPair } from './certificate-file.ts';
import { orderSelfSigned } from './order.ts';
import { type RenewalMeasures, RequestedCertificate } from './requested-certificate.ts';
import type { TlsMaterial, TlsSettings } from './tls-material.ts';

/** How often files are looked at and the end of our own certificate is thought of, milliseconds. */
const LOOK_MS = 60_000;
/** A self-signed certificate that ends sooner is made anew, milliseconds. */
const SELF_SIGNED_SPARE_MS = 30 * 24 * 3_600_000;

export interface ServingCertificateOptions {
  /** Where certificates of our own are kept. */
  readonly directory: string;
  readonly nodeName: string;
  /** Host names and IP addresses under which the node is reached. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** Given ones. Throws code `invalid` at the start when they cannot be used. */
  readonly files?: { readonly cert: string; readonly key: string };
  /** Ask the API to sign one; until it has, a self-signed one is shown. */
  readonly request?: KubernetesClient;
  /** Of the one that the API signs. */
  readonly measures?: RenewalMeasures;
  /** Whose client certificates are good. */
  readonly clientCaFile?: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * What the server shows and whom it trusts: the given certificate (read anew when its files change), else one that the API signs and that is rotated in time, else
 * a self-signed one that is kept for the next start.
 *
 * Between awaits: `#pair` and `#ca` are always a usable set; a file that is just being replaced leaves them as they are.
 */
export class ServingCertificate implements TlsMaterial {
  readonly #options: ServingCertificateOptions;
  readonly #listeners = new Set<() => void>();
  readonly #look: RepeatingTask;
  readonly #requested: RequestedCertificate | undefined;
  #pair: KeyPair;
  #ca: string | undefined;

  private constructor(options: ServingCertificateOptions, pair: KeyPair, ca: string | undefined) {
    this.#options = options;
    this.#pair = pair;
    this.#ca = ca;
    const { clock, logger, request } = options;
    this.#look = new RepeatingTask({ clock, intervalMs: LOOK_MS, run: () => this.#lookAgain(), onError: (error) => logger.warn('the serving certificate or the client CA cannot be read', { error: messageOf(error) }) });
    this.#look.start();
    if (request === undefined || options.files !== undefined) return;
    this.#requested = new RequestedCertificate({ ...options, client: request, onCertificate: (issued) => this.#set(issued, this.#ca) });
    this.#requested.start();
  }

  /** Throws code `invalid` when a given file cannot be used. */
  static async open(options: ServingCertificateOptions): Promise<ServingCertificate> {
    const { files, clientCaFile } = options;
    try {
      const ca = clientCaFile === undefined ? undefined : await readFile(clientCaFile, 'utf8');
      const pair = files === undefined ? await ownPair(options) : await readKeyPair(files.cert, files.key);
      return new ServingCertificate(options, pair, ca);
    } catch (error) {
      throw new KmError('invalid', 'certificates of the node cannot be used', { cause: error });
    }
  }

  current(): TlsSettings {
    return { ...this.#pair, requestCert: this.#ca !== undefined, ...(this.#ca !== undefined && { ca: this.#ca }) };
  }

  /** When the certificate that is shown ends, milliseconds since the epoch. */
  get until(): number {
    return validityOf(this.#pair).until;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#look.stop(), this.#requested?.stop()]);
    this.#listeners.clear();
  }

  async #lookAgain(): Promise<void> {
    const { files, clientCaFile, clock } = this.#options;
    const ca = clientCaFile === undefined ? undefined : await readFile(clientCaFile, 'utf8');
    const pair = files !== undefined ? await readKeyPair(files.cert, files.key) : validityOf(this.#pair).until - clock.now() < 0 ? await ownPair(this.#options) : this.#pair;
    this.#set(pair, ca);
  }

  #set(pair: KeyPair, ca: string | undefined): void {
    if (pair.cert === this.#pair.cert && pair.key === this.#pair.key && ca === this.#ca) return;
    this.#pair = pair;
    this.#ca = ca;
    for (const listener of [...this.#listeners]) listener();
  }
}

/** The self-signed certificate of an earlier start, while it is good for this node; else a new one. */
async function ownPair({ directory, nodeName, names, addresses, clock, logger }: ServingCertificateOptions): Promise<KeyPair> {
  const [certFile, keyFile] = [join(directory, 'kubelet.crt'), join(directory, 'kubelet.key')];
  const kept = await readKeyPair(certFile, keyFile).catch(() => undefined);
  if (kept !== undefined && validityOf(kept).until - clock.now() > SELF_SIGNED_SPARE_MS && covers(kept, { names, addresses })) return kept;
  const made = await orderSelfSigned({ commonName: `${nodeName}@${Math.floor(clock.now() / 1000)}`, names, addresses }, clock.now());
  await writeSecret(keyFile, made.key);
  await writeSecret(certFile, made.cert);
  logger.info('a self-signed serving certificate was made', { file: certFile });
  return made;
}
