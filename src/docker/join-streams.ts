import type { Duplex, Readable, Writable } from 'node:stream';
import { aborted, pour } from '../base/index.ts';
import { FrameReader } from './frames.ts';
import type { ProcessStreams } from './process-streams.ts';

/**
 * Carries the streams of a process over a hijacked connection: raw with a terminal, framed without. Resolves when the process' output has
 * ended and is written; what is slow to take it makes the process wait. The connection is closed then, `streams` are not.
 * Throws code `aborted` when the other side is gone, and then leaves the connection to the caller, with the input ended.
 */
export async function joinStreams(socket: Duplex, tty: boolean, streams: ProcessStreams): Promise<void> {
  const { stdin, signal } = streams;
  // Failures of the outputs are their owner's matter, those of the connection come out of `takeAll`; neither may go unheard.
  for (const stream of [socket, streams.stdout, streams.stderr]) stream?.on('error', () => undefined);
  const stopInput = stdin === undefined ? () => undefined : feed(stdin, socket, tty);
  const output = new Output(streams, tty);
  const gone = Promise.withResolvers<never>();
  const onAbort = (): void => gone.reject(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw aborted(signal);
    await Promise.race([output.takeAll(socket), gone.promise]);
    socket.destroy();
  } finally {
    signal.removeEventListener('abort', onAbort);
    output.close();
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

class Output {
  readonly #streams: ProcessStreams;
  readonly #tty: boolean;
  readonly #pieces: { readonly to: Writable; readonly payload: Buffer }[] = [];
  readonly #closed = Promise.withResolvers<void>();
  #open = true;

  constructor(streams: ProcessStreams, tty: boolean) {
    this.#streams = streams;
    this.#tty = tty;
  }

  /** Nothing is written from now on: what still comes is dropped. */
  close(): void {
    this.#open = false;
    this.#closed.resolve();
  }

  async takeAll(socket: Duplex): Promise<void> {
    const { stdout, stderr } = this.#streams;
    const frames = new FrameReader((payload, stream) => this.#put(stream === 'stderr' ? stderr : stdout, payload));
    const waiting = Promise.withResolvers<void>();
    let flowing = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      if (this.#tty) this.#put(stdout, chunk);
      else frames.push(chunk);
      const full = this.#flush();
      if (full.length === 0) return;
      socket.pause();
      flowing = Promise.race([Promise.all(full.map(drained)), this.#closed.promise]).then(() => void socket.resume());
    });
    socket.once('end', () => waiting.resolve());
    socket.once('close', () => waiting.resolve());
    socket.once('error', (error) => waiting.reject(error));
    await waiting.promise;
    await flowing;
  }

  #put(to: Writable | undefined, payload: Buffer): void {
    if (to !== undefined && this.#open) this.#pieces.push({ to, payload });
  }

  /** Writes what has come; returns those that want a pause. */
  #flush(): Writable[] {
    const full = new Set<Writable>();
    for (const { to, payload } of this.#pieces) if (to.writable && !to.write(payload)) full.add(to);
    this.#pieces.length = 0;
    return [...full];
  }
}

/** Resolves when it takes more, or never will. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'error', 'finish']) stream.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error', 'finish']) stream.once(event, done);
    if (!stream.writable || !stream.writableNeedDrain) done();
  });
}
