import type { Clock } from '../../base/index.ts';
import type { AccessQuestion } from './attributes.ts';
import { ExpiringCache } from './expiring-cache.ts';
import type { Reviews } from './reviews.ts';
import { SingleFlight } from './single-flight.ts';
import type { User } from './user.ts';

/** How long a yes and a no hold, milliseconds (kubelet's `authorization.webhook.cacheAuthorizedTTL` and `...UnauthorizedTTL`). */
const YES_TTL_MS = 300_000;
const NO_TTL_MS = 30_000;
const VERDICTS = 2048;
const OPEN_REVIEWS = 64;

/** Asks the API whether a user may do what the request wants. Without an API whoever has a certificate of our client CA may. */
export class Authorizer {
  readonly #reviews: Reviews | undefined;
  readonly #verdicts: ExpiringCache<boolean>;
  readonly #open = new SingleFlight<boolean>(OPEN_REVIEWS);

  constructor(options: { clock: Clock; reviews: Reviews | undefined }) {
    this.#reviews = options.reviews;
    this.#verdicts = new ExpiringCache(options.clock, VERDICTS);
  }

  /** Throws what the API's client throws when it cannot be asked. */
  async allowed(user: User, question: AccessQuestion): Promise<boolean> {
    const reviews = this.#reviews;
    if (reviews === undefined) return true;
    const key = JSON.stringify([user.name, user.uid, user.groups, user.extra, question]);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    return this.#open.ask(key, async () => {
      const allowed = await reviews.allowed(user, question);
      this.#verdicts.set(key, allowed, allowed ? YES_TTL_MS : NO_TTL_MS);
      return allowed;
    });
  }
}
