/** Pieces up to this size are not worth a view on words, bytes. */
const SMALL = 32;
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Takes a client's mask off, in place; `mask` as 32 bits big endian, its first byte for the first of `bytes`. Four bytes at a time where there are many. */
export function unmask(bytes: Buffer, mask: number): void {
  let at = 0;
  if (bytes.length > SMALL && isLittleEndian) {
    while ((bytes.byteOffset + at) % 4 !== 0) {
      bytes[at] = (bytes[at] ?? 0) ^ byteOf(mask, at);
      at += 1;
    }
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (bytes.length - at) >> 2);
    const word = byteOf(mask, at) | (byteOf(mask, at + 1) << 8) | (byteOf(mask, at + 2) << 16) | (byteOf(mask, at + 3) << 24);
    for (let i = 0; i < words.length; i += 1) words[i] = (words[i] as number) ^ word;
    at += words.length * 4;
  }
  for (; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) ^ byteOf(mask, at);
}

function byteOf(mask: number, at: number): number {
  return (mask >>> (24 - (at & 3) * 8)) & 0xff;
}
