/** `2006-01-02T15:04:05` */
const WHOLE = 19;
const DIGITS = 9;
/** `2006-01-02T15:04:05.000000000` */
export const TIME_LENGTH = WHOLE + 1 + DIGITS;
const ZERO = 0x30;

/** Writes a time of Docker's, whose zeros at the end are left out, with all nine digits of a second and without its `Z`. */
export function writeTime(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  bytes.copy(out, at, from, from + WHOLE);
  out[at + WHOLE] = 0x2e;
  for (let digit = 0; digit < DIGITS; digit++) {
    const read = from + WHOLE + 1 + digit;
    const byte = read < to ? (bytes[read] ?? ZERO) : ZERO;
    if (byte < ZERO || byte > ZERO + 9) {
      out.fill(ZERO, at + WHOLE + 1 + digit, at + TIME_LENGTH);
      break;
    }
    out[at + WHOLE + 1 + digit] = byte;
  }
  return at + TIME_LENGTH;
}

/** Milliseconds since the epoch in the form of `writeTime`: both compare byte by byte. */
export function comparableTime(ms: number): Buffer {
  const whole = Math.floor(ms);
  const nanoseconds = String(Math.floor((ms - whole) * 1e6)).padStart(6, '0');
  return Buffer.from(`${new Date(whole).toISOString().slice(0, -1)}${nanoseconds}`);
}
