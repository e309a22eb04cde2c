/** An event about to be written: what makes it the same as another one, and what changes from time to time. */
export interface Occurrence {
  /** Of whom: all that names the subject. */
  readonly subject: string;
  /** Which part of the subject; empty: all of it. */
  readonly part: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** `drop`: the subject has talked too much. Else the key under which it is counted, and the message to show. */
export type Verdict = { readonly drop: true } | { readonly drop: false; readonly key: string; readonly message: string };

/** Client-go tools/record/events_cache.go (v1.20): its defaults. */
const BURST = 25;
const REFILL_MS = 300_000;
const SIMILAR = 10;
const SIMILAR_WINDOW_MS = 600_000;
/** Entries that each table may hold; the oldest goes first. */
const ENTRIES = 1024;

/**
 * Keeps a pod that fails again and again from flooding the API, as client-go does: events that differ only in their message are
 * combined after 10 in 10 minutes; a subject has 25 events at once and one more every 5 minutes.
 */
export class EventCorrelator {
  readonly #budgets = new Map<string, { tokens: number; at: number }>();
  readonly #groups = new Map<string, { messages: Set<string>; at: number }>();

  /** `now` in milliseconds. */
  judge(event: Occurrence, now: number): Verdict {
    const group = [event.subject, event.part, event.type, event.reason].join('\u0000');
    const similar = touch(this.#groups, group, () => ({ messages: new Set<string>(), at: now }));
    if (now - similar.at > SIMILAR_WINDOW_MS) similar.messages.clear();
    similar.at = now;
    if (similar.messages.size < SIMILAR) similar.messages.add(event.message);
    const combine = !similar.messages.has(event.message);
    if (!this.#spend(event.subject, now)) return { drop: true };
    if (combine) return { drop: false, key: group, message: `(combined from similar events): ${event.message}` };
    return { drop: false, key: `${group}\u0000${event.message}`, message: event.message };
  }

  #spend(subject: string, now: number): boolean {
    const budget = touch(this.#budgets, subject, () => ({ tokens: BURST, at: now }));
    budget.tokens = Math.min(BURST, budget.tokens + Math.max(0, now - budget.at) / REFILL_MS);
    budget.at = now;
    if (budget.tokens < 1) return false;
    budget.tokens -= 1;
    return true;
  }
}

/** The entry of a table in which the last used is the newest; makes it, and room for it, where there is none. */
export function touch<V>(table: Map<string, V>, key: string, make: () => V): V {
  const value = table.get(key) ?? make();
  table.delete(key);
  table.set(key, value);
  const oldest = table.size > ENTRIES ? table.keys().next().value : undefined;
  if (oldest !== undefined) table.delete(oldest);
  return value;
}
