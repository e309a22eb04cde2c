import type { Readable } from 'node:stream';

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Characters of an unfinished size that are kept. */
const LONGEST_SIZE = 4096;

/**
 * Reads the sizes of the client's terminal off its stream: `{"Width":80,"Height":24}`, one after the other. Whoever reads them slowly, or not at
 * all, gets the newest: sizes do not queue up, and the stream never waits.
 */
export function terminalSizes(stream: Readable): AsyncIterable<TerminalSize> {
  let newest: TerminalSize | undefined;
  let isOver = false;
  let wake = (): void => undefined;
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    let read = 0;
    for (const match of text.matchAll(/\{[^{}]*\}/g)) {
      read = match.index + match[0].length;
      newest = parseSize(match[0]) ?? newest;
    }
    text = text.slice(read).slice(-LONGEST_SIZE);
    wake();
  });
  const end = (): void => {
    isOver = true;
    wake();
  };
  stream.on('end', end);
  stream.on('close', end);
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        if (newest !== undefined) {
          const size = newest;
          newest = undefined;
          yield size;
        } else if (isOver) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return isSize(width) && isSize(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

const isSize = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0 && (value as number) <= 0xffff;
