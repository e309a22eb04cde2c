import type { Writable } from 'node:stream';

/** Ends the stream unless that is done, and resolves when all of it has been handed on, or it is broken. Never rejects. */
export function endAndFinish(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableFinished) return resolve();
    stream.on('finish', resolve);
    stream.on('close', resolve);
    if (!stream.writableEnded) stream.end();
  });
}
