import { KmError } from '../base/index.ts';
import type { FieldType, Kind, MessageType } from './schema.ts';
import { checkScalar, DEEPEST, isMessage, type Message, misfit, narrow } from './value.ts';

declare global {
  interface JSON {
    /** Text that `stringify` puts down as it is (ECMAScript JSON.parse source text access; not in TypeScript's library yet). */
    rawJSON(text: string): object;
  }
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** JSON as Mesos writes and reads it: bytes in base64, 64-bit integers as numbers. Throws `invalid`, naming the field. */
export function toJsonText(type: MessageType, message: Message, path: string): string {
  return JSON.stringify(each(type, message, path, 0, outward));
}

/** The message that the text holds; unknown fields are left out. Throws `invalid`, naming the field. */
export function fromJsonText(type: MessageType, text: string, path: string): Message {
  let parsed: unknown;
  try {
    parsed = LONG_NUMBER.test(text) ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown) : JSON.parse(text);
  } catch (error) {
    throw new KmError('invalid', `${path}: no JSON`, { cause: error });
  }
  return each(type, parsed, path, 0, inward);
}

/** Only where such digits stand is the slower way of parsing needed. */
const LONG_NUMBER = /\d{16}/;

const keepExact: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;

type Turn = (kind: Kind, value: unknown, path: string, depth: number) => unknown;

/** The message with each value turned; checks that required fields are there. `null` counts as absent. */
function each(type: MessageType, message: unknown, path: string, depth: number, turn: Turn): Message {
  if (!isMessage(message)) throw misfit(path, 'want an object');
  if (depth > DEEPEST) throw misfit(path, 'nested too deep');
  const turned: Message = {};
  for (const field of type.fields) {
    const value = message[field.name] ?? undefined;
    const at = `${path}.${field.name}`;
    if (value !== undefined) turned[field.name] = turnField(field, value, at, depth, turn);
    else if (field.rule === 'required') throw misfit(at, 'required');
  }
  return turned;
}

function turnField(field: FieldType, value: unknown, path: string, depth: number, turn: Turn): unknown {
  if (field.rule === 'repeated') {
    if (!Array.isArray(value)) throw misfit(path, 'want a list');
    return value.map((item: unknown, i) => turn(field.kind, item, `${path}[${i}]`, depth));
  }
  if (field.rule === 'map') {
    if (!isMessage(value)) throw misfit(path, 'want an object');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, turn(field.kind, item, `${path}[${key}]`, depth)]));
  }
  return turn(field.kind, value, path, depth);
}

const outward: Turn = (kind, value, path, depth) => {
  if (kind.of === 'message') return each(kind.message, value, path, depth + 1, outward);
  if (kind.of === 'enum') return checkEnum(value, path);
  checkScalar(kind.scalar, value, path);
  if (kind.scalar === 'bytes') {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  }
  if (kind.scalar === 'double' && !Number.isFinite(value)) throw misfit(path, `JSON has no ${String(value)}`);
  return typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value;
};

const inward: Turn = (kind, value, path, depth) => {
  if (kind.of === 'message') return each(kind.message, value, path, depth + 1, inward);
  if (kind.of === 'enum') return typeof value === 'number' ? (kind.names.get(value) ?? value) : checkEnum(value, path);
  if (kind.scalar === 'bytes') return bytesOf(value, path);
  const plain = fromText(kind.scalar, value);
  checkScalar(kind.scalar, plain, path);
  return plain;
};

/** A name that this version does not know passes: only protobuf needs its number. */
function checkEnum(value: unknown, path: string): unknown {
  if (typeof value === 'string' || Number.isInteger(value)) return value;
  throw misfit(path, 'want the name of a value');
}

/** JSON writers disagree on 64-bit integers (text or number) and on doubles that happen to be long integers. */
function fromText(scalar: string, value: unknown): unknown {
  if (scalar === 'double') return typeof value === 'bigint' ? Number(value) : value;
  if (scalar !== 'int64' && scalar !== 'uint64') return value;
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return narrow(BigInt(value));
  return value;
}

function bytesOf(value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw misfit(path, 'want base64');
  return new Uint8Array(Buffer.from(value, 'base64'));
}
