/**
 * executor: one run of the executor, as a Mesos agent launches it. In: configuration, the environment from the agent, the agent's
 * events, pods as the API has them. Out: tasks that are pods. Here all rooms are wired together, and here recovery lives.
 *
 * Promises: a task is one pod, whatever is launched twice; an order to end is never lost, whichever side it comes from; a
 * worker process that dies finds its pods again by journal and labels.
 */
export * from './executor.ts';
export type { ExecutorEnd } from './ending.ts';
export type { ExecutorOptions } from './executor-options.ts';
export { openMemory } from './open-memory.ts';
export { lastResort } from './last-resort.ts';
export { findRemains, reapDead, type Remains } from './reap.ts';
export { type Owner, ownersOf } from './owners.ts';
export { sightOf } from './owner-process.ts';
