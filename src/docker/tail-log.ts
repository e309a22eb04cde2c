import type Docker from 'dockerode';
import { dialStream } from './dial.ts';
import { FrameReader } from './frames.ts';

/** The last bytes of what it is given, in bounded memory. */
export class Tail {
  readonly #limit: number;
  #kept = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  push(bytes: Buffer): void {
    const all = Buffer.concat([this.#kept, bytes.subarray(-this.#limit)]);
    this.#kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limit)));
  }

  /** As UTF-8; a character whose beginning was cut off is left out. */
  text(): string {
    let from = 0;
    while (from < 3 && ((this.#kept[from] ?? 0) & 0xc0) === 0x80) from++;
    return this.#kept.subarray(from).toString();
  }
}

export async function tailLog(
  docker: Docker,
  id: string,
  limit: { readonly lines: number; readonly bytes: number },
  signal?: AbortSignal,
): Promise<string> {
  const tty = (await docker.getContainer(id).inspect({ ...(signal && { abortSignal: signal }) })).Config.Tty;
  const answer = await dialStream(docker, {
    method: 'GET',
    path: `/containers/${id}/logs`,
    query: { stdout: true, stderr: true, tail: limit.lines },
    ...(signal && { signal }),
  });
  const tail = new Tail(limit.bytes);
  const frames = new FrameReader((payload) => tail.push(payload));
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (tty) tail.push(chunk);
    else frames.push(chunk);
  }
  return tail.text();
}
