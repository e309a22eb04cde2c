import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aborted, KmError } from '../base/index.ts';

const run = promisify(execFile);

/** Longer than any mount here takes; a network file system that hangs is given up, milliseconds. */
const TIMEOUT_MS = 30_000;

/**
 * Runs mount(8) or umount(8): Node has no such system calls. Throws code `internal` with the command's own words, `aborted` when `signal` ends
 * it; then, as after the time that it has, a mount may be there all the same.
 */
export async function mountCommand(command: 'mount' | 'umount', args: readonly string[], signal?: AbortSignal): Promise<void> {
  try {
    await run(command, args, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', ...(signal !== undefined && { signal }), env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } });
  } catch (error) {
    if (signal?.aborted === true) throw aborted(signal);
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new KmError('internal', `${command} ${args.join(' ')}: ${stderr.trim() !== '' ? stderr.trim() : message}`, { cause: error });
  }
}

/** Takes the topmost mount away from there; one that is in use is detached, so that it goes when its last user does. */
export async function unmount(mountPoint: string): Promise<void> {
  try {
    await mountCommand('umount', ['--no-canonicalize', mountPoint]);
  } catch {
    await mountCommand('umount', ['--no-canonicalize', '--lazy', mountPoint]);
  }
}
