import type { Readable } from 'node:stream';
import { KmError } from '../base/index.ts';

/** Longer lines than any the Engine sends; beyond it the other side is not one. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** Lines of a stream without their ends; empty ones are left out. Leaving the loop closes the stream. */
export async function* linesOf(stream: Readable): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new KmError('internal', `the Docker Engine sent a line of over ${LONGEST_LINE} characters`);
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield rest;
}
