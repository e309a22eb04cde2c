import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../base/index.ts';
import { isObject, objectAt, textAt, type JsonObject } from './json.ts';
import type { KubernetesObject } from './types.ts';
import type { User } from './call.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const ADMIN: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** Who holds which token: the one user of the kubeconfig, and service accounts by tokens that this server signed. */
export class Users {
  /** Bearer token of the one user. */
  readonly token = randomBytes(24).toString('base64url');
  readonly #key = randomBytes(32);
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Who may do everything: whoever reaches the server without a token over plain HTTP on loopback, which kubectl never sends one over. */
  get admin(): User {
    return ADMIN;
  }

  /** Undefined for a token that nobody was given, or that has expired. */
  holderOf(token: string): { user: User; audiences: readonly string[] } | undefined {
    if (same(token, this.token)) return { user: ADMIN, audiences: [ISSUER] };
    const claims = this.#claimsOf(token);
    if (claims === undefined) return undefined;
    const name = textAt(claims, 'sub');
    const account = objectAt(objectAt(claims, 'kubernetes.io'), 'serviceaccount');
    const namespace = textAt(objectAt(claims, 'kubernetes.io'), 'namespace');
    const audiences = Array.isArray(claims['aud']) ? claims['aud'].map(String) : [];
    return { user: { name, uid: textAt(account, 'uid'), groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] }, audiences };
  }

  /** Signs a token for a service account (TokenRequest); `bound` is the object it is bound to, as the request names it. */
  sign(account: KubernetesObject, request: { seconds: number; audiences: readonly string[]; bound: JsonObject }): { token: string; expires: number } {
    const now = Math.floor(this.#clock.now() / 1000);
    const { name, namespace = '', uid } = account.metadata;
    const bound = textAt(request.bound, 'kind') === '' ? {} : { [textAt(request.bound, 'kind').toLowerCase()]: { name: request.bound['name'], uid: request.bound['uid'] } };
    const claims = {
      aud: request.audiences.length === 0 ? [ISSUER] : request.audiences,
      exp: now + request.seconds,
      iat: now,
      iss: ISSUER,
      'kubernetes.io': { namespace, ...bound, serviceaccount: { name, uid } },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return { token: `${signed}.${this.#signature(signed)}`, expires: claims.exp * 1000 };
  }

  #claimsOf(token: string): JsonObject | undefined {
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    if (more.length > 0 || !same(signature, this.#signature(`${header}.${payload}`))) return undefined;
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (!isObject(claims) || typeof claims['exp'] !== 'number' || claims['exp'] * 1000 <= this.#clock.now()) return undefined;
    return claims;
  }

  #signature(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
