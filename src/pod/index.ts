/**
 * pod: pure decisions about a pod. In: a Pod as the user wrote it, what Docker shows (`ObservedPod`), probe results, the time as a
 * number. Out: the pod with defaults, faults by field, the actions to take, the status to report. Nothing here reads a
 * clock, Docker, the network or the file system, and nothing is mutated.
 */
export * from './action.ts';
export * from './observed.ts';
export * from './types.ts';
