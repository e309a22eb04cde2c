import { isUtf8 } from 'node:buffer';
import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../../base/index.ts';
import { ExpiringCache } from './expiring-cache.ts';
import type { Reviews } from './reviews.ts';
import { SingleFlight } from './single-flight.ts';
import { authenticated, type User } from './user.ts';

/** How long the API's word on a token holds, milliseconds (kubelet's `authentication.webhook.cacheTTL`). */
const TOKEN_TTL_MS = 120_000;
/** Tokens that are remembered, good and bad ones apart, so that a flood of bad ones pushes out no good one. */
const TOKENS = 1024;
/** Tokens about which the API may be asked at the same time. */
const OPEN_REVIEWS = 64;
/** Longer ones are nobody's: a service account's token has about 1 KB. */
const TOKEN_BYTES = 16_384;

/**
 * Finds out who asks: a client certificate that our client CA has signed (common name: user, organizations: groups), else a bearer token that the
 * API knows, which comes in a header or, from a browser, as a subprotocol of its WebSocket (Kubernetes v1.20 pkg/kubelet/server auth with kubeadm's
 * settings: no anonymous access).
 */
export class Authenticator {
  readonly #clock: Clock;
  readonly #reviews: Reviews | undefined;
  readonly #certificates: () => boolean;
  readonly #good: ExpiringCache<User>;
  readonly #bad: ExpiringCache<true>;
  readonly #open = new SingleFlight<User | undefined>(OPEN_REVIEWS);
  /** Tokens are remembered only as what this makes of them. */
  readonly #pepper = randomBytes(32);

  /** `certificates`: whether connections were checked against a client CA. Without `reviews` tokens are good for nothing. */
  constructor(options: { clock: Clock; reviews: Reviews | undefined; certificates: () => boolean }) {
    this.#clock = options.clock;
    this.#reviews = options.reviews;
    this.#certificates = options.certificates;
    this.#good = new ExpiringCache(options.clock, TOKENS);
    this.#bad = new ExpiringCache(options.clock, TOKENS);
  }

  /** `undefined` when the request does not prove who asks. Throws what the API's client throws when it cannot be asked. */
  async authenticate(request: IncomingMessage): Promise<User | undefined> {
    const user =
      (this.#certificates() ? certificateUser(request, this.#clock.now()) : undefined) ??
      (await this.#tokenUser(bearerToken(request.headers.authorization))) ??
      (await this.#tokenUser(webSocketToken(request)));
    return user === undefined ? undefined : authenticated(user);
  }

  async #tokenUser(token: string | undefined): Promise<User | undefined> {
    const reviews = this.#reviews;
    if (token === undefined || reviews === undefined || token.length > TOKEN_BYTES) return undefined;
    const key = createHmac('sha256', this.#pepper).update(token).digest('base64');
    const known = this.#good.get(key);
    if (known !== undefined || this.#bad.get(key) === true) return known;
    return this.#open.ask(key, async () => {
      const user = await reviews.token(token);
      if (user === undefined) this.#bad.set(key, true, TOKEN_TTL_MS);
      else this.#good.set(key, user, TOKEN_TTL_MS);
      return user;
    });
  }
}

/** The token of `Authorization: Bearer <token>`. */
export function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token] = (header ?? '').trim().split(' ');
  return scheme?.toLowerCase() === 'bearer' && token !== undefined && token !== '' ? token : undefined;
}

const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/**
 * The token of a WebSocket whose client can set no headers: one of the subprotocols that it offers, beside at least one that can be agreed on
 * (Kubernetes v1.20 apiserver/pkg/authentication/request/websocket).
 */
function webSocketToken({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const [only, ...more] = offered.filter((name) => name.startsWith(TOKEN_PROTOCOL));
  if (only === undefined || more.length > 0 || offered.length === 1) return undefined;
  const encoded = only.slice(TOKEN_PROTOCOL.length);
  const bytes = Buffer.from(encoded, 'base64url');
  return encoded !== '' && bytes.toString('base64url') === encoded && isUtf8(bytes) ? bytes.toString() : undefined;
}

/** Whom the connection's certificate names, if it was signed by our client CA and is good at this time (a connection may outlive it). */
function certificateUser({ socket }: IncomingMessage, now: number): User | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // Without a certificate this is an empty object; a name that stands several times in the subject is a list.
  const { subject, valid_to: until } = socket.getPeerCertificate() as { subject?: Record<string, string | string[] | undefined>; valid_to?: string };
  if (subject === undefined || until === undefined || Date.parse(until) <= now) return undefined;
  const name = listOf(subject['CN']).at(-1);
  return name === undefined || name === '' ? undefined : { name, groups: listOf(subject['O']) };
}

function listOf(value: string | string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}
