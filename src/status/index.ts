/**
 * status: what both sides get to know of a pod. In: `PodReport`s from the runtime. Out: each transition once to the Mesos
 * ledger (which journals it) and to the Kubernetes API, in this order. A task has one terminal state and nothing after it; Mesos gets every
 * transition, Kubernetes the newest status until it has taken it. The API object goes only after the pod is `terminated`.
 */
export * from './report.ts';
export * from './reporter.ts';
export * from './task-check.ts';
export * from './task-updates.ts';
