import { randomFillSync } from 'node:crypto';

/**
 * A random UUID (RFC 4122, version 4) as its 16 bytes: the agent answers 400 to an update whose `uuid` has not the
 * version's and variant's bits.
 */
export function randomUuid(): Uint8Array {
  const bytes = randomFillSync(new Uint8Array(16));
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes;
}

/** The usual text of 16 bytes: `8-4-4-4-12` hexadecimal digits. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
