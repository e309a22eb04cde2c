import type { Headers } from './header-block.ts';

/** What frames say (SPDY Protocol Draft 3.1, "Frames"). `id` is the number of a stream: odd when the client opened it. */
export type Frame =
  | { readonly kind: 'syn-stream'; readonly id: number; readonly headers: Headers; readonly fin: boolean; readonly unidirectional: boolean }
  | { readonly kind: 'syn-reply'; readonly id: number; readonly headers: Headers; readonly fin: boolean }
  | { readonly kind: 'headers'; readonly id: number; readonly headers: Headers; readonly fin: boolean }
  | { readonly kind: 'rst-stream'; readonly id: number; readonly status: number }
  | { readonly kind: 'settings'; readonly initialWindow?: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goaway'; readonly lastId: number; readonly status: number }
  | { readonly kind: 'window-update'; readonly id: number; readonly delta: number }
  /** A piece of a data frame: they are passed on as they come, without waiting for the end of the frame. */
  | { readonly kind: 'data'; readonly id: number; readonly data: Buffer; readonly fin: boolean };

export const TYPE = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goaway: 7, headers: 8, windowUpdate: 9 } as const;

export const FLAG_FIN = 0x01;
export const FLAG_UNIDIRECTIONAL = 0x02;

/** Why a stream is reset. */
export const RESET = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, flowControlError: 7 } as const;

/** Why a connection is given up. */
export const GOAWAY = { ok: 0, protocolError: 1 } as const;

/** Setting that gives the size of the window of new streams. */
export const INITIAL_WINDOW_SIZE = 7;

const CONTROL_V3 = 0x8003;

export function encodeSynReply(id: number, block: Buffer): Buffer {
  const head = control(TYPE.synReply, 4 + block.length, 12);
  head.writeUInt32BE(id, 8);
  return Buffer.concat([head, block]);
}

export const encodeRstStream = (id: number, status: number): Buffer => twoNumbers(TYPE.rstStream, id, status);

export const encodeGoaway = (lastId: number, status: number): Buffer => twoNumbers(TYPE.goaway, lastId, status);

export const encodeWindowUpdate = (id: number, delta: number): Buffer => twoNumbers(TYPE.windowUpdate, id, delta);

export function encodePing(id: number): Buffer {
  const bytes = control(TYPE.ping, 4, 12);
  bytes.writeUInt32BE(id, 8);
  return bytes;
}

/** The eight bytes before the payload of a data frame. */
export function encodeDataHead(id: number, length: number, fin: boolean): Buffer {
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(length, 4);
  head[4] = fin ? FLAG_FIN : 0;
  return head;
}

function twoNumbers(type: number, first: number, second: number): Buffer {
  const bytes = control(type, 8, 16);
  bytes.writeUInt32BE(first, 8);
  bytes.writeUInt32BE(second, 12);
  return bytes;
}

/** A buffer of `size` bytes that begins with the head of a control frame of `length` bytes of payload. */
function control(type: number, length: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt16BE(CONTROL_V3, 0);
  bytes.writeUInt16BE(type, 2);
  bytes.writeUInt32BE(length, 4);
  return bytes;
}
