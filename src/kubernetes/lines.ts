import { KubernetesError } from './kubernetes-error.ts';

/** A longer line is no event: the biggest object etcd takes is 1.5 MiB, and JSON may be some times that. */
const LONGEST_LINE_BYTES = 32 << 20;

/**
 * The lines in a stream of bytes, however they are cut, empty ones left out. A last line without a line feed is given too.
 * Throws code `internal` on a line that is too long.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, longest: number = LONGEST_LINE_BYTES): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let held = 0;
  const take = (): string => {
    const line = Buffer.concat(parts).toString('utf8').trim();
    parts = [];
    held = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      parts.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const line = take();
      if (line !== '') yield line;
    }
    if (rest.length === 0) continue;
    held += rest.length;
    if (held > longest) throw new KubernetesError('internal', `a line of more than ${longest} bytes in a watch`);
    parts.push(rest);
  }
  const last = take();
  if (last !== '') yield last;
}
