/** telemetry: the logger of the process. Lines go to standard error, as JSON or text; no secret is written. */
export * from './create-logger.ts';
export * from './logger.ts';
