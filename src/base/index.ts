/**
 * base: what every room stands on and what imports nothing of ours: time, back-off, typed errors, work that is serial
 * per key or repeats, bytes that flow, which ciphers to take. Nothing here knows a pod, a task or a container; no timer outlives its owner.
 */
export * from './backoff.ts';
export * from './breath.ts';
export * from './ciphers.ts';
export * from './clock.ts';
export * from './deadline.ts';
export * from './duration.ts';
export * from './errors.ts';
export * from './journal.ts';
export * from './keyed-worker.ts';
export * from './pour.ts';
export * from './repeating-task.ts';
export * from './sysctl.ts';
export * from './time-limit.ts';
