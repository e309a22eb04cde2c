import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { KmError, sleep, systemClock } from '../base/index.ts';
import { DETACH_KEYS } from './detach-keys.ts';
import type { EngineAccess } from './execute.ts';
import { joinStreams } from './join-streams.ts';
import type { ProcessStreams } from './process-streams.ts';
import { hijack, longRequest } from './raw-request.ts';
import { followSizes } from './resize.ts';

/** How long the rest of the output may keep silent once the container has ended, milliseconds. */
const SILENCE_MS = 500;

/**
 * Joins the streams of a container's own process until it ends or nobody is at the other side any more; it goes on without them. Throws code `invalid` when it has
 * ended already.
 */
export async function attach(engine: EngineAccess, id: string, tty: boolean, streams: ProcessStreams): Promise<void> {
  const { docker, host, apiVersion, closed } = engine;
  const { stdin, stdout, stderr, resize } = streams;
  const signal = AbortSignal.any([streams.signal, closed]);
  const wanted = Object.entries({ stdin, stdout, stderr }).filter(([, stream]) => stream !== undefined);
  const query = new URLSearchParams([['stream', '1'], ['detachKeys', DETACH_KEYS], ...wanted.map(([name]) => [name, '1'])]);
  const socket = await hijack(host, { method: 'POST', path: `/v${apiVersion}/containers/${id}/attach?${query.toString()}`, signal });
  const ended = new AbortController();
  const sizes = followSizes(resize, ({ width: w, height: h }) => docker.getContainer(id).resize({ w, h, abortSignal: ended.signal }), ended.signal);
  let tooLate: Promise<boolean> | undefined;
  try {
    const joined = joinStreams(socket, tty, { ...streams, signal });
    tooLate = closeAfterEnd(engine, id, socket, ended.signal);
    await joined;
  } finally {
    socket.destroy();
    ended.abort();
    await sizes;
    await tooLate;
  }
  if (await tooLate) throw new KmError('invalid', `container not running (${id})`);
}

/**
 * Closes a connection that Docker leaves open: one that came when the container had just ended waits for the next run, which a container of
 * ours never has. Resolves with true when it had nothing to say, which is to say that it came too late.
 */
async function closeAfterEnd({ host, apiVersion }: EngineAccess, id: string, socket: Duplex, signal: AbortSignal): Promise<boolean> {
  let heard = 0;
  socket.on('data', () => heard++);
  try {
    await text(await longRequest(host, { method: 'POST', path: `/v${apiVersion}/containers/${id}/wait?condition=not-running`, signal }));
    for (let before = -1; before !== heard || socket.isPaused(); await sleep(systemClock, SILENCE_MS, signal)) before = heard;
  } catch {
    return false; // the usual end: the connection was closed first, or broke, which is told there
  }
  socket.destroy();
  return heard === 0;
}
