import type { Pod } from '../../src/pod/index.ts';
import { type Kind, type KindName, KINDS } from './kinds.ts';

/** What we know of one pod and its task, because we did it. */
export interface Entry {
  readonly kind: KindName;
  readonly pod: Pod;
  readonly uid: string;
  readonly name: string;
  readonly taskId: string;
  /** Somebody told it to end, or may have: KILL, deletion, another pod in its place, a restored API that does not know it. */
  told: boolean;
  /** Its containers were touched by somebody else than the executor. */
  hit: boolean;
  /** It may have come to the executor while that could not write it down. */
  refusable: boolean;
  /** Launched with it in one group, itself included; empty: alone. */
  group: readonly Entry[];
  /** We removed its API object without waiting for anybody. */
  forced: boolean;
}

export function kindOf({ kind }: Entry): Kind {
  return KINDS[kind];
}
