import type { Readable, Writable } from 'node:stream';

/** Bytes that are held at most, but for what one more piece adds: then the source waits. */
const MOST_HELD = 256 * 1024;
/** While more comes in every turn of the event loop, so many bytes are waited for. */
const ENOUGH = 128 * 1024;
/** And so many pieces: a peer may send bytes one by one. */
const MOST_PIECES = 4096;

/** Hands on a piece of what has come, to one of the targets. */
export type Put = (to: Writable, piece: Buffer) => void;

/**
 * Carries bytes from one stream into another, as `pipe` does, in few and large writes: what comes while a write is under way, or turn after turn of the
 * event loop, is written together. Each write costs the same whatever its size, here and at whoever is woken up by it, and TLS hands on 16 KiB at a time. When
 * the source has ended, or broken, all that came from it has been written; the target is left open. Returns what stops it: then nothing more
 * is written, and the source is left paused.
 */
export function pour(from: Readable, to: Writable): () => void {
  return pourApart(from, (chunk, put) => put(to, chunk));
}

/**
 * As `pour`, into several streams: `apart` says which part of what has come goes where, and leaves out what goes nowhere. The order of the parts is kept,
 * also between streams. One that takes no more makes the source wait; one that is closed does not, and what was for it is dropped.
 */
export function pourApart(from: Readable, apart: (chunk: Buffer, put: Put) => void): () => void {
  const targets = new Set<Writable>();
  let held: { readonly to: Writable; readonly piece: Buffer }[] = [];
  let bytes = 0;
  let waits = false;
  /** Bytes that were held at the last look. */
  let seen = 0;
  let soon: NodeJS.Immediate | undefined;

  const isFull = (): boolean => [...targets].some((to) => to.writable && to.writableNeedDrain);
  const flush = (): void => {
    clearImmediate(soon);
    soon = undefined;
    if (bytes > 0) {
      const pieces = held;
      held = [];
      bytes = 0;
      for (const to of targets) to.cork();
      for (const { to, piece } of pieces) if (to.writable) to.write(piece);
      for (const to of targets) to.uncork();
      if (waits) from.resume();
      waits = false; // it goes on in a later turn
    }
  };
  // What comes alone goes in the next turn; what comes together is the begin of more.
  const look = (): void => {
    soon = undefined;
    if (isFull()) return;
    if (bytes >= ENOUGH || bytes === seen) return flush();
    seen = bytes;
    soon = setImmediate(look);
  };
  const lookSoon = (): void => {
    if (bytes === 0 || soon !== undefined || isFull()) return;
    seen = bytes;
    soon = setImmediate(look);
  };
  const put: Put = (to, piece) => {
    if (!targets.has(to)) {
      targets.add(to);
      to.on('drain', lookSoon).on('close', lookSoon);
    }
    held.push({ to, piece });
    bytes += piece.length;
  };
  const take = (chunk: Buffer): void => {
    apart(chunk, put);
    if (bytes >= MOST_HELD || held.length >= MOST_PIECES) {
      waits = true;
      from.pause();
    }
    lookSoon();
  };
  from.on('data', take).on('end', flush).on('close', flush);
  return () => {
    clearImmediate(soon);
    from.off('data', take).off('end', flush).off('close', flush).pause();
    for (const to of targets) to.off('drain', lookSoon).off('close', lookSoon);
  };
}
