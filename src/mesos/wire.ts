import protobuf from 'protobufjs/minimal.js';
import { KmError } from '../base/index.ts';
import type { FieldType, Kind, MessageType, Scalar } from './schema.ts';
import { checkScalar, DEEPEST, enumNumber, isMessage, keepUnknownFields, type Message, misfit, narrow, unknownFields } from './value.ts';

/** Wire types of protobuf: how the bytes after a tag are laid out. */
const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH_DELIMITED = 2;

const WIRE_TYPES: Readonly<Record<Scalar, number>> = {
  double: EIGHT_BYTES,
  int32: VARINT,
  uint32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  bool: VARINT,
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
};

/** Protobuf bytes of a message, fields in the order of their numbers as C++ writes them. Throws `invalid`, naming the field. */
export function toWire(type: MessageType, message: Message, path: string): Uint8Array {
  const writer = protobuf.Writer.create();
  writeMessage(writer, type, message, path, 0);
  return writer.finish();
}

/** The message that the bytes hold; unknown fields are kept out of sight (`value.ts`). Throws `invalid`, naming the field. */
export function fromWire(type: MessageType, bytes: Uint8Array, path: string): Message {
  const reader = new protobuf.Reader(bytes);
  try {
    return readMessage(reader, type, reader.len, path, 0);
  } catch (error) {
    if (error instanceof KmError) throw error;
    throw new KmError('invalid', `${path}: no protobuf message`, { cause: error });
  }
}

function writeMessage(writer: protobuf.Writer, type: MessageType, message: Message, path: string, depth: number): void {
  if (depth > DEEPEST) throw misfit(path, 'nested too deep');
  for (const field of type.fields) {
    const value = message[field.name];
    const at = `${path}.${field.name}`;
    if (value === undefined) {
      if (field.rule === 'required') throw misfit(at, 'required');
    } else if (field.rule === 'repeated') {
      if (!Array.isArray(value)) throw misfit(at, 'want a list');
      value.forEach((each, i) => writeField(writer, field.id, field.kind, each, `${at}[${i}]`, depth));
    } else if (field.rule === 'map') {
      if (!isMessage(value)) throw misfit(at, 'want an object');
      for (const [key, each] of Object.entries(value)) {
        writer.uint32(tag(field.id, LENGTH_DELIMITED)).fork().uint32(tag(1, LENGTH_DELIMITED)).string(key);
        writeField(writer, 2, field.kind, each, `${at}[${key}]`, depth);
        writer.ldelim();
      }
    } else {
      writeField(writer, field.id, field.kind, value, at, depth);
    }
  }
  const unknown = unknownFields(message);
  if (unknown !== undefined) writer.raw(unknown);
}

function tag(id: number, wireType: number): number {
  return ((id << 3) | wireType) >>> 0;
}

function wireTypeOf(kind: Kind): number {
  return kind.of === 'scalar' ? WIRE_TYPES[kind.scalar] : kind.of === 'enum' ? VARINT : LENGTH_DELIMITED;
}

function writeField(writer: protobuf.Writer, id: number, kind: Kind, value: unknown, path: string, depth: number): void {
  writer.uint32(tag(id, wireTypeOf(kind)));
  if (kind.of === 'message') {
    if (!isMessage(value)) throw misfit(path, 'want an object');
    writer.fork();
    writeMessage(writer, kind.message, value, path, depth + 1);
    writer.ldelim();
  } else if (kind.of === 'enum') {
    writer.int32(enumNumber(kind, value, path));
  } else {
    checkScalar(kind.scalar, value, path);
    writeScalar(writer, kind.scalar, value);
  }
}

/** `value` has been checked. */
function writeScalar(writer: protobuf.Writer, scalar: Scalar, value: unknown): void {
  switch (scalar) {
    case 'double':
      writer.double(value as number);
      break;
    case 'int32':
      writer.int32(value as number);
      break;
    case 'uint32':
      writer.uint32(value as number);
      break;
    case 'int64':
    case 'uint64':
      writer[scalar](typeof value === 'bigint' ? halves(value) : (value as number));
      break;
    case 'bool':
      writer.bool(value as boolean);
      break;
    case 'string':
      writer.string(value as string);
      break;
    case 'bytes':
      writer.bytes(value as Uint8Array);
      break;
  }
}

/** A 64-bit integer as protobufjs takes and gives it. */
interface Halves {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

function halves(value: bigint): protobuf.Long {
  const pair: Halves = { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)), unsigned: false };
  return pair;
}

function whole(value: Halves | number, unsigned: boolean): number | bigint {
  if (typeof value === 'number') return value;
  const bits = (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
  return narrow(unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits));
}

function readMessage(reader: protobuf.Reader, type: MessageType, end: number, path: string, depth: number, into: Message = {}): Message {
  if (depth > DEEPEST) throw misfit(path, 'nested too deep');
  const unknown = [unknownFields(into) ?? new Uint8Array()];
  while (reader.pos < end) {
    const start = reader.pos;
    const head = reader.uint32();
    const field = type.byId.get(head >>> 3);
    if (field === undefined) {
      reader.skipType(head & 7, 0, head >>> 3);
      unknown.push(reader.buf.subarray(start, reader.pos));
    } else {
      readField(reader, field, head & 7, into, `${path}.${field.name}`, depth);
    }
    if (reader.pos > end) throw misfit(path, 'a field ends behind its message');
  }
  if (unknown.length > 1) keepUnknownFields(into, new Uint8Array(Buffer.concat(unknown)));
  for (const field of type.required) if (into[field.name] === undefined) throw misfit(`${path}.${field.name}`, 'required');
  return into;
}

function readField(reader: protobuf.Reader, field: FieldType, wireType: number, into: Message, path: string, depth: number): void {
  if (field.rule === 'map') {
    expect(wireType, LENGTH_DELIMITED, path);
    const map = (into[field.name] ??= {}) as Message;
    readEntry(reader, field, map, path, depth);
  } else if (field.rule === 'repeated') {
    const list = (into[field.name] ??= []) as unknown[];
    const packed = wireType === LENGTH_DELIMITED && wireTypeOf(field.kind) !== LENGTH_DELIMITED;
    if (!packed) {
      list.push(readValue(reader, field.kind, wireType, `${path}[${list.length}]`, depth));
      return;
    }
    for (const end = lengthOf(reader, path) + reader.pos; reader.pos < end; ) {
      list.push(readValue(reader, field.kind, wireTypeOf(field.kind), `${path}[${list.length}]`, depth));
    }
  } else {
    into[field.name] = readValue(reader, field.kind, wireType, path, depth, into[field.name]);
  }
}

function readEntry(reader: protobuf.Reader, field: FieldType, map: Message, path: string, depth: number): void {
  const end = lengthOf(reader, path) + reader.pos;
  let key = '';
  let value: unknown;
  while (reader.pos < end) {
    const head = reader.uint32();
    if (head >>> 3 === 1) {
      expect(head & 7, LENGTH_DELIMITED, path);
      key = reader.string();
    } else if (head >>> 3 === 2) {
      value = readValue(reader, field.kind, head & 7, `${path}[${key}]`, depth);
    } else {
      reader.skipType(head & 7, 0, head >>> 3);
    }
  }
  if (value === undefined) throw misfit(`${path}[${key}]`, 'an entry without a value');
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true }); // a key may be __proto__
}

function readValue(reader: protobuf.Reader, kind: Kind, wireType: number, path: string, depth: number, before?: unknown): unknown {
  expect(wireType, wireTypeOf(kind), path);
  if (kind.of === 'message') {
    const end = lengthOf(reader, path) + reader.pos;
    // the same field twice: protobuf says that the later one adds to the earlier one
    return readMessage(reader, kind.message, end, path, depth + 1, isMessage(before) ? before : {});
  }
  if (kind.of === 'enum') {
    const number = reader.int32();
    return kind.names.get(number) ?? number;
  }
  switch (kind.scalar) {
    case 'int64':
    case 'uint64':
      return whole(reader[kind.scalar](), kind.scalar === 'uint64');
    case 'bytes':
      return new Uint8Array(reader.bytes()); // a copy: a view would keep the whole record alive
    default:
      return reader[kind.scalar]();
  }
}

function lengthOf(reader: protobuf.Reader, path: string): number {
  const length = reader.uint32();
  if (length > reader.len - reader.pos) throw misfit(path, `${length} bytes announced, ${reader.len - reader.pos} there`);
  return length;
}

function expect(actual: number, wanted: number, path: string): void {
  if (actual !== wanted) throw misfit(path, `wire type ${actual}, want ${wanted}`);
}
