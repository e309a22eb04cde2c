import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Backoff, type Clock, isCode, KmError, messageOf, sleep } from '../../base/index.ts';
import type { KubernetesClient, KubeObject } from '../../kubernetes/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import { checked, covers, validityOf, writeSecret, type KeyPair } from './certificate-file.ts';
import { orderRequest } from './order.ts';

/** How long an approver may take, and how often is asked meanwhile, milliseconds (kubelet: 15 min). */
const APPROVAL_MS = 15 * 60_000;
const ASK_EVERY_MS = 2_000;
const RETRY = { initialMs: 2_000, maxMs: 300_000 };

const REQUESTS = { apiVersion: 'certificates.k8s.io/v1', resource: 'certificatesigningrequests' };

interface SigningRequest extends KubeObject {
  status?: { certificate?: string; conditions?: { type: string; reason?: string; message?: string }[] };
}

export interface RequestedCertificateOptions {
  readonly directory: string;
  readonly nodeName: string;
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A certificate to show from now on. */
  readonly onCertificate: (pair: KeyPair) => void;
  readonly measures?: RenewalMeasures;
}

/** What is counted of a certificate that the cluster signs. */
export interface RenewalMeasures {
  /** Another try without a certificate. */
  failed(): void;
  /** The certificate before had been good for so long, seconds. */
  rotated(seconds: number): void;
}

/**
 * A serving certificate that the cluster signs (signer `kubernetes.io/kubelet-serving`): the one of an earlier start while it is good, then a new one when 70 to
 * 90 % of its time are over (Kubernetes v1.20 pkg/kubelet/certificate, client-go/util/certificate).
 */
export class RequestedCertificate {
  readonly #options: RequestedCertificateOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: RequestedCertificateOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.logger.error('the serving certificate is not rotated any more', { error });
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  get #file(): string {
    return join(this.#options.directory, 'kubelet-server-current.pem');
  }

  async #run(): Promise<void> {
    const { clock, onCertificate, measures } = this.#options;
    const { signal } = this.#stop;
    let current = await this.#kept();
    if (current !== undefined) onCertificate(current);
    while (!signal.aborted) {
      if (current !== undefined) await sleep(clock, Math.max(0, renewalAt(current) - clock.now()), signal);
      const before = current;
      current = await this.#obtain();
      await writeSecret(this.#file, `${current.cert.trimEnd()}\n${current.key}`);
      onCertificate(current);
      if (before !== undefined) measures?.rotated((clock.now() - validityOf(before).from) / 1000);
    }
  }

  /** The certificate of an earlier start; `undefined` when it is no good (any more). */
  async #kept(): Promise<KeyPair | undefined> {
    const { clock } = this.#options;
    try {
      const content = await readFile(this.#file, 'utf8');
      const pair = checked({ cert: content, key: /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?-----END [A-Z ]*PRIVATE KEY-----/.exec(content)?.[0] ?? '' });
      return validityOf(pair).until > clock.now() && covers(pair, this.#options) ? pair : undefined;
    } catch {
      return undefined;
    }
  }

  async #obtain(): Promise<KeyPair> {
    const { clock, logger, measures } = this.#options;
    const backoff = new Backoff(RETRY);
    for (;;) {
      try {
        return await this.#request();
      } catch (error) {
        if (this.#stop.signal.aborted) throw error;
        measures?.failed();
        logger.warn('no serving certificate from the cluster yet', { error: messageOf(error) });
        await sleep(clock, backoff.next(error), this.#stop.signal);
      }
    }
  }

  async #request(): Promise<KeyPair> {
    const { client, nodeName, names, addresses } = this.#options;
    const { signal } = this.#stop;
    const { request, key } = await orderRequest({ commonName: `system:node:${nodeName}`, organization: 'system:nodes', names, addresses }, signal);
    const created = await client.create<SigningRequest>(
      REQUESTS,
      {
        apiVersion: REQUESTS.apiVersion,
        kind: 'CertificateSigningRequest',
        metadata: { generateName: 'csr-' },
        spec: { request: Buffer.from(request).toString('base64'), signerName: 'kubernetes.io/kubelet-serving', usages: ['digital signature', 'key encipherment', 'server auth'] },
      },
      { signal },
    );
    const name = created.metadata?.name;
    if (name === undefined) throw new KmError('internal', 'the certificate signing request has no name');
    return checked({ cert: await this.#signed(name), key });
  }

  /** Waits for an approver and the signer. */
  async #signed(name: string): Promise<string> {
    const { client, clock } = this.#options;
    const { signal } = this.#stop;
    const deadline = clock.now() + APPROVAL_MS;
    while (clock.now() < deadline) {
      const { status } = await client.get<SigningRequest>({ ...REQUESTS, name }, { signal }).catch((error: unknown): SigningRequest => {
        if (isCode(error, 'unavailable', 'timeout')) return {};
        throw error;
      });
      const refusal = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
      if (refusal !== undefined) throw new KmError('denied', `certificate signing request ${name}: ${refusal.type} ${refusal.reason ?? ''} ${refusal.message ?? ''}`.trimEnd());
      if (status?.certificate !== undefined && status.certificate !== '') return Buffer.from(status.certificate, 'base64').toString();
      await sleep(clock, ASK_EVERY_MS, signal);
    }
    throw new KmError('timeout', `certificate signing request ${name} was not approved within ${APPROVAL_MS / 60_000} min`);
  }
}

/** Milliseconds since the epoch: 70 to 90 % of the certificate's life, so that nodes do not come all at once. */
function renewalAt(pair: KeyPair): number {
  const { from, until } = validityOf(pair);
  return from + (until - from) * (0.7 + 0.2 * Math.random());
}
