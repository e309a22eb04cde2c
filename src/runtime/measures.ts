import type { PodIdentity } from '../pod/index.ts';

/** Told what the runtime does, to be counted. Times in milliseconds. */
export interface RuntimeMeasures {
  /** An event of the Engine has come, so long after it happened. */
  engineEvent(lagMs: number): void;
  /** All containers were looked at. */
  relisted(ms: number): void;
  /** Work on one pod, as the kubelet names it. */
  worked(operation: 'create' | 'sync' | 'kill', ms: number): void;
  probed(pod: PodIdentity, container: string, kind: 'readiness' | 'liveness' | 'startup', result: 'success' | 'failure' | 'unknown'): void;
  /** A volume was made, or could not be; `plugin` as the kubelet names who makes it. */
  mounted(plugin: string, ms: number, ok: boolean): void;
  /** Nothing of this pod will be counted any more. */
  podGone(uid: string): void;
}
