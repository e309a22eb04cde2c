import { FLAG_FIN, FLAG_UNIDIRECTIONAL, INITIAL_WINDOW_SIZE, TYPE, type Frame } from './frame.ts';
import { HeaderReader } from './header-block.ts';
import { SpdyError } from './spdy-error.ts';

/** Bytes of payload of a control frame that are read at most. */
const LARGEST_CONTROL_FRAME = 64 * 1024;
const VERSION = 3;
const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(TYPE));

interface ControlFrame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/**
 * Makes frames of bytes that come split anywhere. Payload of data frames is never copied nor held; of a control frame no more than 64 KiB.
 *
 * Between calls one of these holds: 0 to 7 bytes of a head begun are in `#head`; `#control` is a control frame begun; `#data` is a data frame
 * begun of which `#left` bytes are still to come; `#left` bytes of a frame of an unknown type are to be passed over.
 */
export class FrameDecoder {
  readonly #headers = new HeaderReader();
  readonly #head = Buffer.alloc(8);
  #headLength = 0;
  #control: (ControlFrame & { filled: number }) | undefined;
  #data: { readonly id: number; readonly fin: boolean } | undefined;
  #left = 0;

  /** Throws a SpdyError where the peer is in the wrong; the decoder is of no use afterwards. */
  *decode(chunk: Buffer): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#data !== undefined) yield { kind: 'data', id: this.#data.id, data: piece, fin: this.#data.fin && this.#left === 0 };
      } else if (this.#control !== undefined) {
        const control = this.#control;
        const copied = chunk.copy(control.payload, control.filled, at);
        at += copied;
        control.filled += copied;
        if (control.filled === control.payload.length) yield* this.#endControl(control);
      } else {
        const copied = chunk.copy(this.#head, this.#headLength, at, at + 8 - this.#headLength);
        at += copied;
        this.#headLength += copied;
        if (this.#headLength === 8) yield* this.#begin();
      }
    }
  }

  *#begin(): Generator<Frame, void, undefined> {
    this.#headLength = 0;
    const first = this.#head.readUInt32BE(0);
    const flags = this.#head[4] ?? 0;
    const length = this.#head.readUIntBE(5, 3);
    if (first < 0x8000_0000) {
      if (first === 0) throw new SpdyError('a data frame of stream 0');
      const fin = (flags & FLAG_FIN) !== 0;
      this.#data = { id: first, fin };
      this.#left = length;
      if (length === 0) yield { kind: 'data', id: first, data: Buffer.alloc(0), fin };
      return;
    }
    const version = (first >>> 16) & 0x7fff;
    const type = first & 0xffff;
    if (version !== VERSION) throw new SpdyError(`a frame of SPDY version ${version}`);
    this.#data = undefined;
    if (!KNOWN_TYPES.has(type)) {
      this.#left = length;
      return;
    }
    if (length > LARGEST_CONTROL_FRAME) throw new SpdyError(`a control frame of ${length} bytes`);
    this.#control = { type, flags, payload: Buffer.alloc(length), filled: 0 };
    if (length === 0) yield* this.#endControl(this.#control);
  }

  *#endControl(frame: ControlFrame): Generator<Frame, void, undefined> {
    this.#control = undefined;
    const least = LEAST_LENGTH[frame.type] ?? 0;
    if (frame.payload.length < least) throw new SpdyError(`a control frame of type ${frame.type} with ${frame.payload.length} bytes, less than ${least}`);
    yield this.#read(frame);
  }

  #read({ type, flags, payload }: ControlFrame): Frame {
    const first = payload.readUInt32BE(0) & 0x7fff_ffff;
    const fin = (flags & FLAG_FIN) !== 0;
    switch (type) {
      case TYPE.synStream:
        return { kind: 'syn-stream', id: first, headers: this.#headers.read(payload.subarray(10)), fin, unidirectional: (flags & FLAG_UNIDIRECTIONAL) !== 0 };
      case TYPE.synReply:
        return { kind: 'syn-reply', id: first, headers: this.#headers.read(payload.subarray(4)), fin };
      case TYPE.headers:
        return { kind: 'headers', id: first, headers: this.#headers.read(payload.subarray(4)), fin };
      case TYPE.rstStream:
        return { kind: 'rst-stream', id: first, status: payload.readUInt32BE(4) };
      case TYPE.ping:
        return { kind: 'ping', id: payload.readUInt32BE(0) };
      case TYPE.goaway:
        return { kind: 'goaway', lastId: first, status: payload.readUInt32BE(4) };
      case TYPE.windowUpdate:
        return { kind: 'window-update', id: first, delta: payload.readUInt32BE(4) & 0x7fff_ffff };
      default:
        return readSettings(payload);
    }
  }
}

/** Bytes that a frame of a type has at least. */
const LEAST_LENGTH: Readonly<Record<number, number>> = {
  [TYPE.synStream]: 10, [TYPE.synReply]: 4, [TYPE.rstStream]: 8, [TYPE.settings]: 4, [TYPE.ping]: 4, [TYPE.goaway]: 8, [TYPE.headers]: 4, [TYPE.windowUpdate]: 8,
};

function readSettings(payload: Buffer): Frame {
  const count = payload.readUInt32BE(0);
  if (payload.length < 4 + count * 8) throw new SpdyError(`settings that say they are ${count} and are fewer`);
  for (let i = 0; i < count; i += 1) {
    const id = payload.readUIntBE(5 + i * 8, 3);
    if (id === INITIAL_WINDOW_SIZE) return { kind: 'settings', initialWindow: payload.readUInt32BE(8 + i * 8) & 0x7fff_ffff };
  }
  return { kind: 'settings' };
}
