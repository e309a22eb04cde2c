import { KmError } from '../../base/index.ts';
import type { Cluster, ClusterOptions } from './types.ts';

/** Resolves when the API answers, the executor has subscribed and the node is registered. */
export async function startCluster(_options: ClusterOptions): Promise<Cluster> {
  throw new KmError('internal', 'the one-machine cluster is being built');
}
