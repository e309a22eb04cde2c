import { askedToWaitMs, KmError, messageOf, type Clock } from '../base/index.ts';
import { identityOf, tokenKey, type TokenWanted, type ValidPod } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';

/** A token and when to ask for its successor. */
export interface ServiceAccountToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly refreshAtMs: number;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

interface TokenRequest {
  readonly spec?: { readonly expirationSeconds?: number };
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string };
}

/** A token gets a successor after this share of its life, and after a day in any case (Kubernetes v1.20 pkg/kubelet/token). */
const RENEW_AFTER = 0.8;
const OLDEST_MS = 24 * 3600 * 1000;
/** So that not all tokens of a node are renewed at one moment. */
const JITTER_MS = 10_000;
/** One that could not be renewed is tried again after so long. */
const RETRY_MS = 10_000;

export interface ServiceAccountTokensOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
}

/** Tokens for the service accounts of pods, each bound to its pod: it is worth nothing once the pod is deleted. */
export class ServiceAccountTokens {
  readonly #options: ServiceAccountTokensOptions;
  /** By pod UID, then by what was asked for. */
  readonly #tokens = new Map<string, Map<string, ServiceAccountToken>>();

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  /**
   * A token that is good for a while. One that should be renewed and cannot be is given again as long as it lives. Throws code
   * `unavailable`, `denied`, ... with the kubelet's words when there is none.
   */
  async get(pod: ValidPod, wanted: TokenWanted, signal: AbortSignal): Promise<ServiceAccountToken> {
    const { clock, logger } = this.#options;
    const { uid } = pod.metadata;
    const key = tokenKey(wanted);
    const known = this.#tokens.get(uid)?.get(key);
    if (known !== undefined && known.refreshAtMs > clock.now()) return known;
    try {
      const token = await this.#request(pod, wanted, signal);
      const ofPod = this.#tokens.get(uid) ?? new Map<string, ServiceAccountToken>();
      this.#tokens.set(uid, ofPod.set(key, token));
      return token;
    } catch (error) {
      if (signal.aborted) throw error;
      const code = error instanceof KmError ? error.code : 'internal';
      if (known === undefined) throw new KmError(code, `failed to fetch token: ${messageOf(error)}`, { cause: error });
      if (known.expiresAtMs <= clock.now()) throw new KmError(code, `token expired and refresh failed: ${messageOf(error)}`, { cause: error });
      logger.warn('token of a pod not renewed yet', { ...identityOf(pod), error: messageOf(error) });
      return { ...known, refreshAtMs: clock.now() + Math.max(RETRY_MS, askedToWaitMs(error)) };
    }
  }

  /** The pod is gone. */
  forget(uid: string): void {
    this.#tokens.delete(uid);
  }

  async #request(pod: ValidPod, { audience, expirationSeconds }: TokenWanted, signal: AbortSignal): Promise<ServiceAccountToken> {
    const { client, clock, random = Math.random } = this.#options;
    const { name, namespace, uid } = pod.metadata;
    const account = pod.spec.serviceAccountName ?? '';
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: audience === undefined ? [] : [audience], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    };
    const what = { apiVersion: 'v1', resource: 'serviceaccounts', namespace, name: account === '' ? 'default' : account };
    const { spec, status } = await client.create<TokenRequest>(what, body, { subresource: 'token', signal });
    const expiresAtMs = Date.parse(status?.expirationTimestamp ?? '');
    if (status?.token === undefined || Number.isNaN(expiresAtMs)) throw new KmError('internal', 'the answer holds no token');
    const lifeMs = (spec?.expirationSeconds ?? expirationSeconds) * 1000;
    const issuedAtMs = expiresAtMs - lifeMs;
    const renewAtMs = Math.min(issuedAtMs + lifeMs * RENEW_AFTER, issuedAtMs + OLDEST_MS) - random() * JITTER_MS;
    return { token: status.token, expiresAtMs, refreshAtMs: Math.max(renewAtMs, clock.now() + RETRY_MS) };
  }
}
