import { duplexPair, PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { joinStreams } from '../../../src/docker/join-streams.ts';
import { followSizes } from '../../../src/docker/resize.ts';

function frame(stream: 1 | 2, payload: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

/** Keeps what it gets; takes it only when told. */
class Slow extends Writable {
  readonly got: string[] = [];
  #taken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 4 });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.got.push(chunk.toString());
    this.#taken = done;
  }

  take(): void {
    this.#taken?.();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('joined streams', () => {
  it('split output and errors, and resolve when both are written', async () => {
    const [socket, engine] = duplexPair();
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const joined = joinStreams(socket, false, { stdout, stderr, signal: new AbortController().signal });
    engine.end(Buffer.concat([frame(1, 'out'), frame(2, 'err')]));
    await joined;
    expect([String(stdout.read()), String(stderr.read())]).toEqual(['out', 'err']);
    expect([stdout.writableEnded, stderr.writableEnded]).toEqual([false, false]);
  });

  it('are raw with a terminal', async () => {
    const [socket, engine] = duplexPair();
    const stdout = new PassThrough();
    const joined = joinStreams(socket, true, { stdout, signal: new AbortController().signal });
    engine.end('raw');
    await joined;
    expect(String(stdout.read())).toBe('raw');
  });

  it('hand on the end of the input, also when it breaks', async () => {
    for (const end of [(stdin: PassThrough) => stdin.end('bye'), (stdin: PassThrough) => stdin.destroy()]) {
      const [socket, engine] = duplexPair();
      const stdin = new PassThrough();
      const joined = joinStreams(socket, false, { stdin, signal: new AbortController().signal });
      engine.resume().once('end', () => engine.end());
      end(stdin);
      await joined;
    }
  });

  it('let a terminal go on when the input has ended', async () => {
    const [socket, engine] = duplexPair();
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const joined = joinStreams(socket, true, { stdin, stdout, signal: new AbortController().signal });
    let ended = false;
    engine.resume().once('end', () => (ended = true));
    stdin.end('typed');
    await turn();
    expect(ended).toBe(false);
    engine.end('answer');
    await joined;
    expect(String(stdout.read())).toBe('answer');
  });

  it('do not read on while nobody takes the output', async () => {
    const [socket, engine] = duplexPair();
    const stdout = new Slow();
    const joined = joinStreams(socket, false, { stdout, signal: new AbortController().signal });
    engine.write(frame(1, 'first'));
    await expect.poll(() => stdout.got).toEqual(['first']);
    for (let i = 0; i < 100; i++) engine.write(frame(1, 'x'.repeat(10_000)));
    await expect.poll(() => socket.isPaused()).toBe(true);
    expect(stdout.got).toEqual(['first']);
    engine.end();
    const rest = setInterval(() => stdout.take(), 1);
    await joined;
    await new Promise((resolve) => stdout.end(resolve));
    clearInterval(rest);
    expect(stdout.got.join('').length).toBe('first'.length + 1_000_000);
  });

  it('go on without an output that is gone', async () => {
    const [socket, engine] = duplexPair();
    const [stdout, stderr] = [new Slow(), new PassThrough()];
    const joined = joinStreams(socket, false, { stdout, stderr, signal: new AbortController().signal });
    engine.write(frame(1, 'never taken'));
    await expect.poll(() => stdout.writableNeedDrain).toBe(true);
    engine.write(frame(2, 'still there'));
    await turn();
    stdout.destroy(new Error('gone'));
    await expect.poll(() => String(stderr.read())).toBe('still there');
    engine.end(frame(1, 'to nobody'));
    await joined;
  });

  it('end with their client: the input has ended, and nothing more is written', async () => {
    const [socket, engine] = duplexPair();
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const gone = new AbortController();
    const joined = joinStreams(socket, true, { stdin, stdout, signal: gone.signal });
    const ended = new Promise((resolve) => engine.resume().once('end', resolve));
    gone.abort();
    await expect(joined).rejects.toMatchObject({ code: 'aborted' });
    await ended;
    engine.write('too late');
    await turn();
    expect(stdout.read()).toBe(null);
  });

  it('break with the connection', async () => {
    const [socket] = duplexPair();
    const joined = joinStreams(socket, true, { stdout: new PassThrough(), signal: new AbortController().signal });
    socket.destroy(new Error('connection reset'));
    await expect(joined).rejects.toThrow('connection reset');
  });
});

describe('sizes of a terminal', () => {
  it('are tried until the process has begun, one after the other', async () => {
    const asked: string[] = [];
    async function* sizes(): AsyncGenerator<{ width: number; height: number }> {
      yield { width: 1, height: 2 };
      yield { width: 3, height: 4 };
    }
    await followSizes(sizes(), ({ width, height }) => {
      asked.push(`${width}x${height}`);
      return asked.length < 3 ? Promise.reject(new Error('not started')) : Promise.resolve();
    }, new AbortController().signal);
    expect(asked).toEqual(['1x2', '1x2', '1x2', '3x4']);
  });

  it('are given up when the process ends, also while none comes', async () => {
    const ended = new AbortController();
    async function* none(): AsyncGenerator<{ width: number; height: number }> {
      await new Promise(() => undefined);
      yield { width: 1, height: 1 };
    }
    const following = followSizes(none(), () => Promise.resolve(), ended.signal);
    ended.abort();
    await following;
  });
});
