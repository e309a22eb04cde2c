import { createHash } from 'node:crypto';

import type { Container } from './types.ts';

/** Goes into a label beside the hash; a container whose label differs is not judged by its hash. */
export const HASH_VERSION = '1';

/**
 * Hash of what may change in a running pod's container and then calls for a new one. The API lets nothing but the image change, so
 * name and image are all that goes in: defaults that one API version adds and another does not must not restart
 * anything (so does the kubelet from 1.31 on). Starts with the version.
 */
export function containerHash(container: Pick<Container, 'name' | 'image'>): string {
  const text = JSON.stringify([container.name, container.image ?? '']);
  return `${HASH_VERSION}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/** Whether `observedHash` (a label, maybe written by another version of us) says that the spec was another one. */
export function hashChanged(container: Pick<Container, 'name' | 'image'>, observedHash: string): boolean {
  return observedHash.startsWith(`${HASH_VERSION}-`) && observedHash !== containerHash(container);
}
