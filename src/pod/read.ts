import type { Pod } from './types.ts';

/** A Pod from JSON or YAML, gzipped or not. Throws KmError `invalid`, whose message says what is wrong. */
export async function parsePod(_data: Uint8Array): Promise<Pod> {
  throw new Error('unwritten');
}

/** The pods of a (gzipped) PodList, as `ExecutorInfo.data` carries static pods. Throws KmError `invalid`. */
export async function parsePodList(_data: Uint8Array): Promise<Pod[]> {
  throw new Error('unwritten');
}
