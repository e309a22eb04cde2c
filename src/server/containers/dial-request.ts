import { connect, isIPv4, type Socket } from 'node:net';
import { getSystemErrorMessage } from 'node:util';
import { aborted, KmError } from '../../base/index.ts';

export interface DialTarget {
  /** A process in the network namespace. */
  readonly pid: number;
  readonly port: number;
  /** The pod's address, tried after both loopbacks. */
  readonly ip: string | undefined;
}

/** Meanings of the first byte of an answer, see `docker/dial/dial.c`. */
const CONNECTED = 0;
const NO_NAMESPACE = 1;
const ANSWER_BYTES = 2;

/** Asks the program behind the socket at `path` for a connection. Code `unavailable` when it cannot ask or cannot enter, `not-found` when nobody listens. */
export async function dialThrough(path: string, target: DialTarget, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  const onAbort = (): void => void socket.destroy(aborted(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw aborted(signal);
    socket.write(requestBytes(target));
    const [what, errno] = await answerOf(socket);
    if (what === CONNECTED) return socket;
    const words = getSystemErrorMessage(-(errno ?? 0)) ?? `error ${errno}`;
    if (what === NO_NAMESPACE) throw new KmError('unavailable', `cannot enter the network namespace of process ${target.pid}: ${words}`);
    throw refused(target.port, words);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Nobody listens, or nobody answers. */
export function refused(port: number, words: string, cause?: unknown): KmError {
  return new KmError('not-found', `failed to connect to localhost:${port} inside namespace of the pod: dial tcp 127.0.0.1:${port}: connect: ${words}`, cause === undefined ? {} : { cause });
}

export function requestBytes({ pid, port, ip }: DialTarget): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt32BE(pid, 0);
  if (ip !== undefined && isIPv4(ip)) bytes.set(ip.split('.').map(Number), 4);
  bytes.writeUInt16BE(port, 8);
  return bytes;
}

/** Reads the answer and leaves what follows it in the socket. */
function answerOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.off('readable', read).off('error', fail).off('close', fail).off('end', fail);
    };
    const read = (): void => {
      const answer = socket.read(ANSWER_BYTES) as Buffer | null;
      if (answer === null) return;
      if (answer.length < ANSWER_BYTES) return fail(); // all that came before the end
      done();
      resolve(answer);
    };
    const fail = (error?: unknown): void => {
      done();
      reject(error instanceof KmError ? error : new KmError('unavailable', 'the connection into the network of the pod broke', { cause: error }));
    };
    socket.on('readable', read).once('error', fail).once('close', fail).once('end', fail);
  });
}
