import type { KillCause } from '../status/index.ts';

/** Why and by when a task has to end. In the journal: an executor that dies goes on with it, and no grace begins anew. */
export interface Order {
  readonly cause: KillCause;
  /** Milliseconds since the epoch; absent: the pod's own grace. */
  readonly untilMs?: number;
  /** The pod has exactly that long: no minimum beyond it. */
  readonly strict: boolean;
  /** The API object goes with the pod. */
  readonly deleted: boolean;
}

/** What two orders for the same task come to: the cause of the first, the nearer end. The first one itself where the later adds nothing. */
export function mergeOrders(first: Order | undefined, later: Order): Order {
  if (first === undefined) return later;
  const nearer = later.untilMs !== undefined && (first.untilMs === undefined || later.untilMs < first.untilMs);
  if (!nearer && (first.deleted || !later.deleted)) return first;
  return { ...first, ...(nearer ? { untilMs: later.untilMs, strict: later.strict } : {}), deleted: first.deleted || later.deleted };
}

/** What a KILL orders. `graceMs` is what its policy or the task's says; without one the pod's own grace counts. `now`: milliseconds since the epoch. */
export function killOrder(graceMs: number | undefined, now: number): Order {
  const cause = { kind: 'mesos-kill', message: 'killed by the framework' } as const;
  return { cause, strict: graceMs !== undefined, deleted: false, ...(graceMs === undefined ? {} : { untilMs: now + graceMs }) };
}
