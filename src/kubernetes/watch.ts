import { KmError, type Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import type { KubeObject, Resource } from './object.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface WatchOptions<T> {
  readonly client: KubernetesClient;
  readonly resource: Resource;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** All there is, from a fresh list: at the start and whenever the thread of events was lost. */
  readonly onList: (items: T[], resourceVersion: string) => void;
  readonly onEvent: (type: WatchEventType, object: T) => void;
  /** Told of every failure (it is logged already); the watch goes on. */
  readonly onError?: (error: unknown) => void;
  /** Milliseconds without a byte after which the connection counts as dead; 90 s unless told (bookmarks come every 60 s). */
  readonly idleMs?: number;
  readonly random?: () => number;
}

/** Lists, then watches, for ever: resolves only when `signal` aborts, and never rejects. */
export async function watchResource<T extends KubeObject>(options: WatchOptions<T>): Promise<void> {
  throw new KmError('internal', `not there yet ${options}`);
}
