/** The Engine's event stream: what it remembers, and who listens. */

/** As many as dockerd keeps for those who ask with `since` (moby daemon/events: eventsLimit). */
const KEPT = 256;

export interface EventFilter {
  readonly types: readonly string[];
  readonly actions: readonly string[];
  /** `key` or `key=value` each; all must hold. */
  readonly labels: readonly string[];
}

interface Kept {
  readonly nanos: bigint;
  readonly action: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly line: string;
}

/** Now by this machine's clock, growing with every call. */
export class NanoClock {
  #last = 0n;

  now(): bigint {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
}

export class EngineEvents {
  readonly #clock: NanoClock;
  readonly #kept: Kept[] = [];
  readonly #listeners = new Set<(event: Kept) => void>();

  constructor(clock: NanoClock) {
    this.#clock = clock;
  }

  tell(action: string, id: string, image: string, attributes: Readonly<Record<string, string>>): void {
    const nanos = this.#clock.now();
    const event = { status: action, id, from: image, Type: 'container', Action: action, Actor: { ID: id, Attributes: attributes }, scope: 'local', time: Number(nanos / 1_000_000_000n) };
    const line = `${JSON.stringify(event).slice(0, -1)},"timeNano":${nanos}}\n`;
    const kept = { nanos, action, attributes, line };
    this.#kept.push(kept);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const listener of [...this.#listeners]) listener(kept);
  }

  /** Writes events of the past from `since` on, then those to come; the returned function ends that. */
  follow(since: bigint | undefined, filter: EventFilter, write: (line: string) => void): () => void {
    const take = (event: Kept): void => {
      if (matches(event, filter)) write(event.line);
    };
    if (since !== undefined) for (const event of this.#kept) if (event.nanos >= since) take(event);
    this.#listeners.add(take);
    return () => this.#listeners.delete(take);
  }

  /** The Engine is another process now: it remembers nothing. */
  forget(): void {
    this.#kept.length = 0;
  }
}

function matches({ action, attributes }: Kept, { types, actions, labels }: EventFilter): boolean {
  if (types.length > 0 && !types.includes('container')) return false;
  if (actions.length > 0 && !actions.includes(action)) return false;
  return hasLabels(attributes, labels);
}

export function hasLabels(has: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((label) => {
    const at = label.indexOf('=');
    return at < 0 ? has[label] !== undefined : has[label.slice(0, at)] === label.slice(at + 1);
  });
}
