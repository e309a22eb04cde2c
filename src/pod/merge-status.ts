import type { PodStatus } from './types.ts';

/** What to write when the API holds `old` and we say `ours`: foreign conditions and a terminal phase of `old` survive. */
export function mergeStatus(_old: PodStatus, _ours: PodStatus): PodStatus {
  throw new Error('unwritten');
}
