import { CLOSE, CONTROL, OPCODE, WebSocketError } from './frame.ts';
import { unmask } from './unmask.ts';

/** Bytes of one message that are taken at most, as with the kubelet (Go's x/net/websocket): it is never held, but whose length is nonsense is no client. */
const LARGEST_MESSAGE = 32 * 1024 * 1024;
const LARGEST_CONTROL = 125;

/** Where a piece stands in its message. */
export interface Place {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** Gets what a client has sent, in its order. */
export interface FrameTaker {
  /** A piece of a message, as it came: not held until the message is whole. Each message has a first and a last one, which may be the same, and may be empty. */
  takePiece(piece: Buffer, place: Place): void;
  /** A ping, a pong or a close. */
  takeControl(opcode: number, payload: Buffer): void;
}

/**
 * Takes a client's frames apart (RFC 6455, section 5), whose bytes come split anywhere. Payload of messages is unmasked where it lies and never copied nor
 * held, so the buffers given to `decode` are changed.
 *
 * Between calls: `#headLength` bytes of a head begun are in `#head`; or `#left` bytes of the frame begun are still to come.
 */
export class FrameDecoder {
  readonly #taker: FrameTaker;
  readonly #head = Buffer.alloc(14);
  #headLength = 0;
  #left = 0;
  #fin = false;
  #mask = 0;
  /** Of the frame begun, when it is a control frame; `#left` bytes of it are missing. */
  #control: { readonly opcode: number; readonly payload: Buffer } | undefined;
  /** Bytes of the message begun, or undefined between messages. */
  #messageBytes: number | undefined;
  #isFirst = true;

  constructor(taker: FrameTaker) {
    this.#taker = taker;
  }

  /** Throws a WebSocketError where the client is in the wrong; the decoder is of no use afterwards. */
  decode(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#take(piece);
      } else {
        this.#head[this.#headLength++] = chunk[at++] ?? 0;
        if (this.#headLength === 2) refuseEarly(this.#head);
        if (this.#headLength >= 2 && this.#headLength === headLength(this.#head)) this.#begin();
      }
    }
  }

  #begin(): void {
    const head = this.#head;
    const maskAt = this.#headLength - 4;
    this.#headLength = 0;
    const [first = 0, second = 0] = head;
    const opcode = first & 0x0f;
    const length = second & 0x7f;
    this.#fin = first >= 0x80;
    this.#left = length < 126 ? length : length === 126 ? head.readUInt16BE(2) : head.readUInt32BE(2) * 2 ** 32 + head.readUInt32BE(6);
    this.#mask = head.readUInt32BE(maskAt);
    if (CONTROL.has(opcode)) {
      if (!this.#fin || this.#left > LARGEST_CONTROL) throw new WebSocketError(CLOSE.protocolError, 'a control frame in parts, or too large');
      this.#control = { opcode, payload: Buffer.alloc(this.#left) };
    } else {
      this.#control = undefined;
      this.#beginData(opcode);
    }
    if (this.#left === 0) this.#take(Buffer.alloc(0));
  }

  #beginData(opcode: number): void {
    const isMore = opcode === OPCODE.continuation;
    if (!isMore && opcode !== OPCODE.text && opcode !== OPCODE.binary) throw new WebSocketError(CLOSE.protocolError, `a frame of kind ${opcode}`);
    if (isMore !== (this.#messageBytes !== undefined)) throw new WebSocketError(CLOSE.protocolError, 'a message within another, or none begun');
    this.#isFirst ||= !isMore;
    this.#messageBytes = (this.#messageBytes ?? 0) + this.#left;
    if (this.#messageBytes > LARGEST_MESSAGE) throw new WebSocketError(CLOSE.tooBig, `a message of more than ${LARGEST_MESSAGE} bytes`);
  }

  #take(piece: Buffer): void {
    unmask(piece, this.#mask);
    // The next piece begins at another byte of the mask.
    const turned = (piece.length % 4) * 8;
    if (turned > 0) this.#mask = ((this.#mask << turned) | (this.#mask >>> (32 - turned))) >>> 0;
    this.#left -= piece.length;
    if (this.#control !== undefined) {
      const { opcode, payload } = this.#control;
      piece.copy(payload, payload.length - this.#left - piece.length);
      if (this.#left === 0) this.#taker.takeControl(opcode, payload);
      return;
    }
    const isFirst = this.#isFirst;
    const isLast = this.#fin && this.#left === 0;
    this.#isFirst = isLast;
    if (isLast) this.#messageBytes = undefined;
    this.#taker.takePiece(piece, { isFirst, isLast });
  }
}

/** What the first two bytes of a head tell already. */
function refuseEarly([first = 0, second = 0]: Buffer): void {
  if ((first & 0x70) !== 0) throw new WebSocketError(CLOSE.protocolError, 'a frame of an extension that was not agreed on');
  if (second < 0x80) throw new WebSocketError(CLOSE.protocolError, 'a frame that is not masked');
}

/** Bytes of a head of which at least two are there: with the longer forms of the length, and the mask. */
function headLength(head: Buffer): number {
  const length = (head[1] ?? 0) & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + 4;
}
