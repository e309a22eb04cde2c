/** Bytes of a frame's header. */
const HEADER = 8;

/**
 * Splits the Engine's framed output, as it comes for a container without a terminal: 8 bytes of header (stream number, three
 * zeros, length as 32 bits big endian), then so many bytes (Docker Engine API v1.41, "Attach to a container"). Bytes may come
 * split anywhere; the payload is passed on as it comes, uncopied, without waiting for the end of a frame.
 *
 * Between calls: `#header` holds 0 to 7 bytes of a header begun, or `#left` payload bytes are still to come, never both.
 */
export class FrameReader {
  readonly #onPayload: (payload: Buffer, stream: 'stdout' | 'stderr') => void;
  #header = Buffer.alloc(0);
  #left = 0;
  #stream: 'stdout' | 'stderr' = 'stdout';

  constructor(onPayload: (payload: Buffer, stream: 'stdout' | 'stderr') => void) {
    this.#onPayload = onPayload;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const payload = chunk.subarray(at, at + this.#left);
        this.#left -= payload.length;
        at += payload.length;
        this.#onPayload(payload, this.#stream);
      } else if (this.#header.length === 0 && chunk.length - at >= HEADER) {
        this.#begin(chunk, at);
        at += HEADER;
      } else {
        const part = chunk.subarray(at, at + HEADER - this.#header.length);
        this.#header = Buffer.concat([this.#header, part]);
        at += part.length;
        if (this.#header.length < HEADER) return;
        this.#begin(this.#header, 0);
        this.#header = Buffer.alloc(0);
      }
    }
  }

  #begin(bytes: Buffer, at: number): void {
    this.#stream = bytes[at] === 2 ? 'stderr' : 'stdout';
    this.#left = bytes.readUInt32BE(at + 4);
  }
}
