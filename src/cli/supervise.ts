import { join } from 'node:path';

/** Set in the environment of a worker. */
const WORKER = 'KM_EXECUTOR_WORKER';

/**
 * A young generation of 1 MB a half is enough for an executor that mostly waits, and saves about 7 MB; `--expose-gc` lets it give memory
 * back after a burst. The old generation grows as V8 likes, whatever `km` was started with: with room to
 * double, an idle executor was measured above its 110 MB.
 */
export const SMALL = ['--max-semi-space-size=1', '--expose-gc', '--heap-growing-percent=0', '--no-allocation-site-pretenuring'];

/** glibc's allocator with one arena that is trimmed early: it gives back what a burst took, where several arenas kept up to 30 MB. */
const FRUGAL = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

/** Compiled code, beside the sources that it was compiled from: who may write one may write the other. Saves about 25 MB and half the start-up. */
export const COMPILE_CACHE = join(import.meta.dirname, '../../.cache/compile');

/** Set in the environment of a worker that is only to end what there is: the signal that its supervisor got while there was none. */
const STOP = 'KM_EXECUTOR_STOP';

/** No signal: the workers before died at their start, again and again. */
export const GIVEN_UP = 'SIGGIVEUP';

/** That signal, once, as `TERM`; `undefined` for a worker that is to work. */
export function takeMissedSignal(): string | undefined {
  const signal = process.env[STOP];
  delete process.env[STOP];
  return signal === undefined ? undefined : `SIG${signal}`;
}

/**
 * Becomes the supervisor: a shell script of under 2 MB that runs this same command as its worker, and again whenever that dies of
 * itself. Returns only in the worker: whether somebody starts the next one.
 */
export function supervise(): boolean {
  if (process.env[WORKER] !== undefined) {
    delete process.env[WORKER];
    for (const name of ['NODE_COMPILE_CACHE', ...Object.keys(FRUGAL)]) Reflect.deleteProperty(process.env, name);
    return true;
  }
  if (process.execve === undefined) return false; // no such call on this system: without a supervisor
  const script = join(import.meta.dirname, 'supervise.sh');
  const worker = [process.execPath, ...process.execArgv, ...SMALL, ...process.argv.slice(1)];
  return process.execve('/bin/sh', ['sh', script, ...worker], { ...FRUGAL, ...process.env, [WORKER]: '1', NODE_COMPILE_CACHE: COMPILE_CACHE });
}
