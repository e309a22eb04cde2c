/**
 * runtime: the pods of this executor. In: valid pods to launch, orders to kill, and what the Engine tells of its containers. Out: a
 * `PodReport` whenever something a user could see has changed, and events about the pod.
 *
 * Promises: work on one pod is serial and pods do not wait for each other; a kill is never lost and ends whatever is under way;
 * from a container's start or death to the report there is no poll; what carries our labels and belongs to no pod is removed.
 */
export type { Known, NotFollowed, PodNote, PullFailure, Remembered } from './known.ts';
export type { TellEvent } from './pod-context.ts';
export * from './pod-runtime.ts';
export type { RuntimeMeasures } from './measures.ts';
export { networkFault } from './sandbox-network.ts';
export type { KillOrder } from './pod-worker.ts';
export type { PodSources } from './pod-sources.ts';
