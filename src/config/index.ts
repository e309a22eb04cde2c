/**
 * config: what the user sets. In: the command line, `KM_*` of the environment, a file with the same names. Out: one frozen
 * `ExecutorConfig`, or one error that names every fault. Values of secrets appear nowhere in it.
 */
export * from './executor-config.ts';
