import { KmError } from '../../../base/index.ts';

/** What a frame is (RFC 6455, section 5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Frames that are no part of a message. */
export const CONTROL: ReadonlySet<number> = new Set([OPCODE.close, OPCODE.ping, OPCODE.pong]);

/** Why a connection is closed (RFC 6455, section 7.4.1). */
export const CLOSE = { normal: 1000, protocolError: 1002, noStatus: 1005, tooBig: 1009 } as const;

/** The peer does not speak WebSocket as it should: the connection cannot go on. */
export class WebSocketError extends KmError {
  /** With what the connection is to be closed. */
  readonly status: number;

  constructor(status: number, message: string) {
    super('invalid', message);
    this.name = 'WebSocketError';
    this.status = status;
  }
}

/** The head of a server's frame with `length` bytes of payload, and those of them that `first` has. */
export function encodeHead(opcode: number, length: number, first: Buffer): Buffer {
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const head = Buffer.allocUnsafe(size + first.length);
  head[0] = 0x80 | opcode;
  if (size === 2) head[1] = length;
  else if (size === 4) {
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 127;
    head.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    head.writeUInt32BE(length % 2 ** 32, 6);
  }
  first.copy(head, size);
  return head;
}
