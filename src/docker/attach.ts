import type { EngineAccess } from './execute.ts';
import { joinStreams } from './join-streams.ts';
import type { ProcessStreams } from './process-streams.ts';
import { hijack } from './raw-request.ts';
import { followSizes } from './resize.ts';

/** Joins the streams of a container's own process until it ends or nobody is at the other side any more; it goes on without them. */
export async function attach({ docker, host, apiVersion, closed }: EngineAccess, id: string, tty: boolean, streams: ProcessStreams): Promise<void> {
  const { stdin, stdout, stderr, resize } = streams;
  const signal = AbortSignal.any([streams.signal, closed]);
  const wanted = Object.entries({ stdin, stdout, stderr }).filter(([, stream]) => stream !== undefined);
  const query = new URLSearchParams([['stream', '1'], ...wanted.map(([name]) => [name, '1'])]);
  const socket = await hijack(host, { method: 'POST', path: `/v${apiVersion}/containers/${id}/attach?${query.toString()}`, signal });
  const ended = new AbortController();
  const sizes = followSizes(resize, ({ width: w, height: h }) => docker.getContainer(id).resize({ w, h, abortSignal: ended.signal }), ended.signal);
  try {
    await joinStreams(socket, tty, { ...streams, signal });
  } finally {
    socket.destroy();
    ended.abort();
    await sizes;
  }
}
