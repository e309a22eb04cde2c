import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { aborted, KmError } from '../base/index.ts';
import type { JsonObject } from './json.ts';
import { failureWords } from './result.ts';

/** Longest run of a plugin, milliseconds (Kubernetes v1.20 pkg/kubelet/dockershim/network/plugins.go CNITimeoutSec). */
const TIMEOUT_MS = 220_000;
/** A result is a few hundred bytes. */
const MOST_OUTPUT = 1 << 20;

export interface PluginRun {
  readonly binary: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly input: JsonObject;
  readonly signal?: AbortSignal;
  /** Ends what it has called, when `signal` aborts or it takes too long, and resolves when nothing of it runs; it is killed itself in any case. */
  readonly killAll?: () => Promise<void>;
}

/** The plugin's program: in the first folder that has it. Throws code `invalid` in libcni's words. */
export async function findPlugin(type: string, binDirs: readonly string[]): Promise<string> {
  for (const directory of binDirs) {
    const path = join(directory, type);
    if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
  throw new KmError('invalid', `failed to find plugin ${JSON.stringify(type)} in path [${binDirs.join(' ')}]`);
}

/**
 * Runs a plugin and gives what it says on standard output. Throws code `internal` with the plugin's own words, `timeout`, or `aborted`; after
 * any of them nothing of it runs any more.
 */
export async function runPlugin({ binary, environment, input, signal, killAll }: PluginRun): Promise<string> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const stop = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  throwIfAborted(signal);
  const child = spawn(binary, [], { env: environment, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
  let killed: Promise<void> | undefined;
  const onStop = (): void => {
    child.kill('SIGKILL');
    killed = killAll?.();
  };
  stop.addEventListener('abort', onStop, { once: true });
  try {
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(JSON.stringify(input));
    const [output, errors, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
    await killed;
    throwIfAborted(signal);
    if (limit.aborted) throw new KmError('timeout', `no answer after ${TIMEOUT_MS / 1000}s`);
    if (code !== 0) throw new KmError('internal', failureWords(output, errors));
    return output;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new KmError('internal', `cannot run it: ${error.message}`, { cause: error })));
    child.once('close', resolve);
  });
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let room = MOST_OUTPUT;
  for await (const chunk of stream) {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
  }
  return Buffer.concat(chunks).toString();
}
