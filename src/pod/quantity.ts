import { KmError } from '../base/index.ts';

/** An exact Kubernetes quantity, as apimachinery's resource.Quantity: `1.5Gi`, `100m`, `1e3`. */
export interface Quantity {
  /** The value in 10^-9 units. What is smaller was rounded away from zero, what is larger than int64 units capped. */
  readonly nano: bigint;
  /** How it was written, and is written again. */
  readonly format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent';
}

const NANO = 1_000_000_000n;
/** 2^63 - 1 units: apimachinery allows no quantity beyond that. */
const LARGEST = (2n ** 63n - 1n) * NANO;
/** No sensible quantity is longer; keeps hostile text from becoming a huge number. */
const LONGEST_TEXT = 256;
/** Powers of ten beyond this make the same result for any text of allowed length. */
const FARTHEST_EXPONENT = 1000;

const GRAMMAR = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?\d+))$/;
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'] as const;

/** Throws KmError `invalid`. */
export function parseQuantity(text: string): Quantity {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
    throw new KmError('invalid', `"${shown}" is not a quantity: want a number such as 100m, 1.5 or 512Mi`);
  }
  return quantity;
}

/** Like `parseQuantity`; undefined for what is none. */
export function tryParseQuantity(text: string): Quantity | undefined {
  const match = text.length > LONGEST_TEXT ? null : GRAMMAR.exec(text);
  if (match === null) return undefined;
  const [, sign, number = '', suffix = '', exponent] = match;
  const [whole = '', fraction = ''] = number.split('.');
  const digits = BigInt(whole + fraction);

  if (suffix.endsWith('i')) {
    const nano = rounded(digits * 1024n ** BigInt(BINARY.indexOf(suffix as (typeof BINARY)[number])), 9 - fraction.length);
    return { nano: signed(sign, nano), format: 'BinarySI' };
  }
  if (exponent !== undefined) {
    const power = Math.max(-FARTHEST_EXPONENT, Math.min(FARTHEST_EXPONENT, Number(exponent)));
    return { nano: signed(sign, rounded(digits, 9 - fraction.length + power)), format: 'DecimalExponent' };
  }
  const power = 3 * (DECIMAL.indexOf(suffix as (typeof DECIMAL)[number]) - 3);
  return { nano: signed(sign, rounded(digits, 9 - fraction.length + power)), format: 'DecimalSI' };
}

/** In thousandths, rounded up. */
export function toMilli(quantity: Quantity): bigint {
  return ceilDiv(quantity.nano, 1_000_000n);
}

/** In whole units (bytes, cores), rounded up. */
export function toBytes(quantity: Quantity): bigint {
  return ceilDiv(quantity.nano, NANO);
}

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  if (a.nano === b.nano) return 0;
  return a.nano < b.nano ? -1 : 1;
}

/** The canonical text: no fraction, the largest suffix that loses nothing: `1536Mi`, `100m`, `1e3`. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const size = nano < 0n ? -nano : nano;
  if (format === 'BinarySI' && size >= 1024n * NANO && nano % NANO === 0n) {
    const [number, steps] = stripped(nano / NANO, 1024n, BINARY.length - 1);
    return `${number}${BINARY[steps]}`;
  }
  if (format === 'DecimalExponent') {
    const [number, steps] = stripped(nano, 1000n, 9);
    const power = 3 * (steps - 3);
    return power === 0 ? `${number}` : `${number}e${power}`;
  }
  const [number, steps] = stripped(nano, 1000n, DECIMAL.length - 1);
  return `${number}${DECIMAL[steps]}`;
}

/** The canonical text of so many bytes, a fraction of one cut off: `8Gi`, `1000Ki`, `1023`. */
export function bytesQuantity(bytes: number | bigint): string {
  return formatQuantity({ nano: BigInt(typeof bytes === 'bigint' ? bytes : Math.floor(bytes)) * NANO, format: 'BinarySI' });
}

/** `value` x 10^`power`, rounded up to an integer and capped. */
function rounded(value: bigint, power: number): bigint {
  const exact = power >= 0 ? value * 10n ** BigInt(power) : ceilDiv(value, 10n ** BigInt(-power));
  return exact > LARGEST ? LARGEST : exact;
}

function signed(sign: string | undefined, value: bigint): bigint {
  return sign === '-' ? -value : value;
}

/** Towards plus infinity. */
function ceilDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value > 0n && value % divisor !== 0n ? quotient + 1n : quotient;
}

/** Divides by `base` as often as it goes without a rest, at most `most` times. */
function stripped(value: bigint, base: bigint, most: number): [bigint, number] {
  let rest = value;
  let steps = 0;
  while (steps < most && rest % base === 0n) {
    rest /= base;
    steps++;
  }
  return [rest, steps];
}
