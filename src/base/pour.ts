import type { Readable, Writable } from 'node:stream';

/** Bytes that are held at most, but for what one more piece adds: then the source waits. */
const MOST_HELD = 256 * 1024;
/** While more comes in every turn of the event loop, so many bytes are waited for. */
const ENOUGH = 128 * 1024;
/** And so many pieces: a peer may send bytes one by one. */
const MOST_PIECES = 4096;

/**
 * Carries bytes from one stream into another, as `pipe` does, in few and large writes: what comes while a write is under way, or turn after turn of the
 * event loop, is written together. Each write costs the same whatever its size, here and at whoever is woken up by it, and TLS hands on 16 KiB at a time. When
 * the source has ended, or broken, all that came from it has been written; the target is left open. Returns what stops it: then nothing more
 * is written, and the source is left paused.
 */
export function pour(from: Readable, to: Writable): () => void {
  let held: Buffer[] = [];
  let bytes = 0;
  let waits = false;
  /** Bytes that were held at the last look. */
  let seen = 0;
  let soon: NodeJS.Immediate | undefined;

  const flush = (): void => {
    clearImmediate(soon);
    soon = undefined;
    if (bytes > 0) {
      const pieces = held;
      held = [];
      bytes = 0;
      to.cork();
      for (const piece of pieces) to.write(piece);
      to.uncork();
      if (waits) from.resume();
      waits = false; // it goes on in a later turn
    }
  };
  // What comes alone goes in the next turn; what comes together is the begin of more.
  const look = (): void => {
    soon = undefined;
    if (!to.writable || to.writableNeedDrain) return;
    if (bytes >= ENOUGH || bytes === seen) return flush();
    seen = bytes;
    soon = setImmediate(look);
  };
  const lookSoon = (): void => {
    if (bytes === 0 || soon !== undefined || to.writableNeedDrain) return;
    seen = bytes;
    soon = setImmediate(look);
  };
  const take = (piece: Buffer): void => {
    held.push(piece);
    bytes += piece.length;
    if (bytes >= MOST_HELD || held.length >= MOST_PIECES) {
      waits = true;
      from.pause();
    }
    lookSoon();
  };
  const flushLast = (): void => {
    if (to.writable) flush();
  };
  from.on('data', take).on('end', flushLast).on('close', flushLast);
  to.on('drain', lookSoon);
  return () => {
    clearImmediate(soon);
    from.off('data', take).off('end', flushLast).off('close', flushLast).pause();
    to.off('drain', lookSoon);
  };
}
