import { join } from 'node:path';

/** Set in the environment of a worker. */
const WORKER = 'KM_EXECUTOR_WORKER';

/**
 * Becomes the supervisor: a shell script of under 2 MB that runs this same command as its worker, and again whenever that dies of
 * itself. Returns only in the worker.
 */
export function supervise(): void {
  if (process.env[WORKER] !== undefined) {
    delete process.env[WORKER];
    return;
  }
  if (process.execve === undefined) return; // no such call on this system: without a supervisor
  const script = join(import.meta.dirname, 'supervise.sh');
  const worker = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.execve('/bin/sh', ['sh', script, ...worker], { ...process.env, [WORKER]: '1' });
}
