import type { Pod } from './types.ts';

/** The pod with every default filled in that an API server would have filled in. A malformed pod comes back as it is. */
export function defaultPod(_pod: Pod, _given: { uid: string; nodeName?: string }): Pod {
  throw new Error('unwritten');
}
