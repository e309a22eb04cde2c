/** Pieces up to this size are not worth a view on words, bytes. */
const SMALL = 32;
const WORD = 8;
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Takes a client's mask off, in place; `mask` as 32 bits big endian, its first byte for the first of `bytes`. Eight bytes at a time where there are many. */
export function unmask(bytes: Buffer, mask: number): void {
  let at = 0;
  if (bytes.length > SMALL && isLittleEndian) {
    for (; (bytes.byteOffset + at) % WORD !== 0; at += 1) bytes[at] = (bytes[at] ?? 0) ^ byteOf(mask, at);
    const words = new BigUint64Array(bytes.buffer, bytes.byteOffset + at, Math.floor((bytes.length - at) / WORD));
    const half = BigInt((byteOf(mask, at) | (byteOf(mask, at + 1) << 8) | (byteOf(mask, at + 2) << 16) | (byteOf(mask, at + 3) << 24)) >>> 0);
    const word = (half << 32n) | half;
    for (let i = 0; i < words.length; i += 1) words[i] = (words[i] as bigint) ^ word; // no bigint is made: V8 keeps both in registers
    at += words.length * WORD;
  }
  for (; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ byteOf(mask, at);
}

function byteOf(mask: number, at: number): number {
  return (mask >>> (24 - (at & 3) * 8)) & 0xff;
}
