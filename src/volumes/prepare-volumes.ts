import type { ValidPod } from '../pod/index.ts';

/** Paths of the node by volume name. */
export type PreparedVolumes = ReadonlyMap<string, string>;

/**
 * Makes every volume of the pod, or finds that it is there. Throws `KmError` with the kubelet's words, for the event FailedMount:
 * code `workload` when the pod or the node's files are at fault, `internal` when we are.
 */
export declare function prepareVolumes(options: { readonly rootDir: string; readonly pod: ValidPod; readonly signal?: AbortSignal }): Promise<PreparedVolumes>;
