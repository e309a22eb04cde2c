import type { Duplex, Readable, Writable } from 'node:stream';
import { aborted, Flood, pour, pourApart, type Put } from '../base/index.ts';
import { FrameReader } from './frames.ts';
import type { ProcessStreams } from './process-streams.ts';

/**
 * Carries the streams of a process over a hijacked connection: raw with a terminal, framed without. Resolves when the process' output has
 * ended and all of it has been given to `streams`; what is slow to take it makes the process wait. The connection is closed then, `streams` are not.
 * Throws code `aborted` when the other side is gone, and then leaves the connection to the caller, with the input ended.
 */
export async function joinStreams(socket: Duplex, tty: boolean, streams: ProcessStreams): Promise<void> {
  const { stdin, signal } = streams;
  // Failures of the outputs are their owner's matter, those of the connection end `output`; neither may go unheard.
  for (const stream of [socket, streams.stdout, streams.stderr]) stream?.on('error', () => undefined);
  const stopInput = stdin === undefined ? () => undefined : feed(stdin, socket, tty);
  const output = takeOutput(socket, tty, streams);
  const gone = Promise.withResolvers<never>();
  const onAbort = (): void => gone.reject(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw aborted(signal);
    await Promise.race([output.ended, gone.promise]);
    socket.destroy();
  } finally {
    signal.removeEventListener('abort', onAbort);
    output.stop();
    stopInput();
    socket.end();
  }
}

/**
 * The input's end, also by an error, becomes the end of what the process reads. Not on a terminal, which has no end: Docker would take it for
 * the end of the output too. Returns what takes the input off.
 */
function feed(stdin: Readable, socket: Duplex, tty: boolean): () => void {
  const end = (): void => {
    if (!tty) socket.end();
  };
  const stop = pour(stdin, socket);
  stdin.once('end', end);
  stdin.once('close', end);
  stdin.once('error', end);
  return () => {
    stop();
    stdin.off('end', end).off('close', end);
    stdin.resume(); // nobody reads it any more: what still comes must not hold up its carrier
  };
}

/** Gives what the process writes to whoever wants it, until it has ended; throws what the connection breaks with. Once stopped, what still comes is left alone. */
function takeOutput(socket: Duplex, tty: boolean, { stdout, stderr }: ProcessStreams): { readonly ended: Promise<void>; readonly stop: () => void } {
  const ended = new Promise<void>((resolve, reject) => void socket.once('end', resolve).once('close', resolve).once('error', reject));
  ended.catch(() => undefined); // where the client went first nobody waits for it
  const stop = pourApart(socket, tty ? raw(stdout) : framed(stdout, stderr));
  const flood = new Flood();
  socket.on('data', ({ length }: Buffer) => flood.took(length));
  return { ended, stop };
}

function raw(stdout: Writable | undefined): (chunk: Buffer, put: Put) => void {
  return (chunk, put) => {
    if (stdout !== undefined) put(stdout, chunk);
  };
}

function framed(stdout: Writable | undefined, stderr: Writable | undefined): (chunk: Buffer, put: Put) => void {
  let put: Put;
  const frames = new FrameReader((payload, stream) => {
    const to = stream === 'stderr' ? stderr : stdout;
    if (to !== undefined) put(to, payload);
  });
  return (chunk, putNow) => {
    put = putNow;
    frames.push(chunk);
  };
}
