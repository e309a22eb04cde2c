import type { Readable, Writable } from 'node:stream';

/** Bytes that are held at most, but for what one more piece adds: then the source waits. */
const MOST_HELD = 256 * 1024;

/**
 * Carries bytes from one stream into another, as `pipe` does, in few and large writes: what comes while a write is under way, or in one turn of the event loop, is written
 * together. Each write costs the same whatever its size, and TLS hands on 16 KiB at a time. When the source has ended, or broken, all that came
 * from it has been written; the target is left open. Returns what stops it: then nothing more is written, and the source is left paused.
 */
export function pour(from: Readable, to: Writable): () => void {
  let held: Buffer[] = [];
  let bytes = 0;
  let soon: NodeJS.Immediate | undefined;

  const flush = (): void => {
    clearImmediate(soon);
    soon = undefined;
    if (bytes > 0) {
      const pieces = held;
      const wasFull = bytes >= MOST_HELD;
      held = [];
      bytes = 0;
      to.cork();
      for (const piece of pieces) to.write(piece);
      to.uncork();
      if (wasFull) from.resume();
    }
  };
  const flushIfTaken = (): void => {
    soon = undefined;
    if (to.writable && !to.writableNeedDrain) flush();
  };
  const take = (piece: Buffer): void => {
    held.push(piece);
    bytes += piece.length;
    if (bytes >= MOST_HELD) from.pause();
    soon ??= setImmediate(flushIfTaken);
  };
  const flushLast = (): void => {
    if (to.writable) flush();
  };
  from.on('data', take).on('end', flushLast).on('close', flushLast);
  to.on('drain', flushIfTaken);
  return () => {
    clearImmediate(soon);
    from.off('data', take).off('end', flushLast).off('close', flushLast).pause();
    to.off('drain', flushIfTaken);
  };
}
