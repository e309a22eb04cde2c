import { KmError } from '../base/index.ts';
import type { Kind, Scalar } from './schema.ts';

/** A message in memory, seen without its type. */
export type Message = Record<string, unknown>;

/**
 * Where a message keeps the protobuf fields that this version does not know: behind a hidden key, and written again behind
 * the known ones, as C++ does. Real agents send some (the AgentInfo in SUBSCRIBED), and a TaskInfo goes back to the agent
 * when we subscribe again.
 */
const UNKNOWN_FIELDS = Symbol('unknown fields');

export function unknownFields(message: object): Uint8Array | undefined {
  return (message as { [UNKNOWN_FIELDS]?: Uint8Array })[UNKNOWN_FIELDS];
}

export function keepUnknownFields(message: object, bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) Object.defineProperty(message, UNKNOWN_FIELDS, { value: bytes, configurable: true });
}

/** Deeper than this nobody nests anything; a hostile sender might. */
export const DEEPEST = 100;

/** The error for a field that does not fit; `path` as in `UPDATE.update.status.state`. */
export function misfit(path: string, what: string): KmError {
  return new KmError('invalid', `${path}: ${what}`);
}

export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** A number where it is exact, else the bigint itself. */
export function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** The number of an enum's value, which may be its name, or the number of one without a name here. */
export function enumNumber(kind: Extract<Kind, { of: 'enum' }>, value: unknown, path: string): number {
  const number = typeof value === 'string' ? kind.numbers.get(value) : value;
  if (typeof number === 'number' && isInteger(number, -(2 ** 31), 2 ** 31 - 1)) return number;
  throw misfit(path, `${JSON.stringify(value)} is none of ${[...kind.numbers.keys()].join(' ')}`);
}

const WANTED: Readonly<Record<Scalar, string>> = {
  double: 'a number',
  int32: 'an integer of 32 bits',
  uint32: 'a positive integer of 32 bits',
  int64: 'an integer of 64 bits',
  uint64: 'a positive integer of 64 bits',
  bool: 'true or false',
  string: 'text',
  bytes: 'bytes',
};

/** Throws `invalid` unless `value` is what the scalar is in memory. */
export function checkScalar(scalar: Scalar, value: unknown, path: string): void {
  if (!fits(scalar, value)) throw misfit(path, `want ${WANTED[scalar]}, not ${nameOf(value)}`);
}

function fits(scalar: Scalar, value: unknown): boolean {
  switch (scalar) {
    case 'double':
      return typeof value === 'number';
    case 'int32':
      return isInteger(value, -(2 ** 31), 2 ** 31 - 1);
    case 'uint32':
      return isInteger(value, 0, 2 ** 32 - 1);
    case 'int64':
      return typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
    case 'uint64':
      return typeof value === 'bigint' ? BigInt.asUintN(64, value) === value : Number.isSafeInteger(value) && (value as number) >= 0;
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'bytes':
      return value instanceof Uint8Array;
  }
}

function isInteger(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? 'text' : 'an object';
}
