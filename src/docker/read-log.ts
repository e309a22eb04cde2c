import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmError } from '../base/index.ts';
import { translateError } from './engine-error.ts';
import type { EngineAccess } from './execute.ts';
import { FrameReader } from './frames.ts';
import { readJsonLog } from './json-log/read.ts';
import type { LogRange } from './process-streams.ts';
import { longRequest } from './raw-request.ts';

/** Pause before the Engine is asked again whether a container has ended, after it was away, milliseconds. */
const PAUSE_MS = 1000;

/**
 * A container's log. From the files where Docker writes json-file and we can read them: that costs the Engine nothing and goes on while it restarts.
 * Otherwise through the Engine. Resolves when it is known where the log is; code `not-found` when the container is gone.
 */
export async function readLog(engine: EngineAccess, id: string, range: LogRange, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  const { LogPath: path = '', HostConfig: { LogConfig: driver }, Config: { Tty: tty } } = await engine.docker.getContainer(id).inspect({ abortSignal: signal });
  const own = AbortSignal.any([signal, engine.closed]);
  if (engine.host.isLocal && driver?.Type === 'json-file' && path !== '' && (await readable(path)) && !(await readable(`${path}.1.gz`))) {
    return readJsonLog({ path, ended: (until) => ended(engine, id, until) }, range, own);
  }
  return throughEngine(engine, id, tty, range, own);
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(() => true, () => false);
}

/** Resolves when the container does not run any more, or is gone. Holds one connection meanwhile. */
async function ended({ host, apiVersion, closed }: EngineAccess, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const answer = await longRequest(host, { method: 'POST', path: `/v${apiVersion}/containers/${id}/wait?condition=not-running`, signal });
      // The head comes at once, the body when it has ended.
      for await (const _ of answer) continue;
      return;
    } catch (error) {
      const { code } = translateError(error, 'other', signal);
      if (code === 'not-found' || signal.aborted || closed.aborted) return;
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function* throughEngine({ host, apiVersion }: EngineAccess, id: string, tty: boolean, range: LogRange, signal: AbortSignal): AsyncGenerator<Buffer> {
  const query = new URLSearchParams({ stdout: '1', stderr: '1', follow: range.follow ? '1' : '0', timestamps: range.timestamps ? '1' : '0' });
  if (range.tailLines !== undefined) query.set('tail', String(range.tailLines));
  if (range.sinceMs !== undefined) query.set('since', (range.sinceMs / 1000).toFixed(3));
  try {
    const answer = await longRequest(host, { method: 'GET', path: `/v${apiVersion}/containers/${id}/logs?${query.toString()}`, signal });
    yield* payloads(answer, tty);
  } catch (error) {
    throw error instanceof KmError ? error : translateError(error, 'other', signal);
  }
}

async function* payloads(answer: Readable, tty: boolean): AsyncGenerator<Buffer> {
  const ready: Buffer[] = [];
  const frames = new FrameReader((payload) => ready.push(payload));
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (tty) yield chunk;
    else {
      frames.push(chunk);
      yield* ready.splice(0);
    }
  }
}
