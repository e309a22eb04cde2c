/**
 * telemetry: what the process tells of itself. The logger: lines go to standard error, as JSON or text; no secret is written. The metrics: what
 * is counted and looked up, for Prometheus; nothing is computed while nobody reads.
 */
export * from './create-logger.ts';
export * from './logger.ts';
export * from './metrics.ts';
