/**
 * config: what the user sets. In: the command line, `KM_*` of the environment, a file with the same names. Out: one frozen
 * `ExecutorConfig`, or one error that names every fault. What the Mesos agent sets (`MESOS_*`) is read by `mesos`.
 */
export * from './executor-config.ts';
export * from './executor-flags.ts';
export * from './read-executor-config.ts';
