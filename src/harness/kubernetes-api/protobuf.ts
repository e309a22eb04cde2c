import { badRequest } from './api-error.ts';
import type { JsonObject } from './json.ts';
import { fieldsOf, type Field, type FieldType, type Scalar } from './schema.ts';

/**
 * An object in Kubernetes' protobuf form (`application/vnd.kubernetes.protobuf`: four bytes `k8s\0`, then runtime.Unknown) as the JSON
 * it stands for: kubectl sends this form for what it makes by itself (`create configmap`, `auth can-i`). `typeOf` gives the schema's
 * name for a type. Throws a 400.
 */
export function readProtobuf(bytes: Buffer, typeOf: (apiVersion: string, kind: string) => string | undefined): JsonObject {
  if (bytes.subarray(0, 4).toString('latin1') !== 'k8s\0') throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  try {
    const envelope = group(bytes.subarray(4));
    const meta = group(lastBytes(envelope.get(1)));
    const apiVersion = lastBytes(meta.get(1)).toString();
    const kind = lastBytes(meta.get(2)).toString();
    const type = typeOf(apiVersion, kind);
    if (type === undefined) throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
    return { kind, apiVersion, ...readMessage(type, [], group(lastBytes(envelope.get(2)))) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) throw badRequest(`couldn't get version/kind; protobuf parse error: ${error.message}`);
    throw error;
  }
}

/** What one field of a message held, in order: numbers for varints, bytes for all else. */
type Wire = bigint | Buffer;
type Message = ReadonlyMap<number, readonly Wire[]>;

/** A message taken apart by field number. Throws a RangeError where the bytes end too early. */
function group(bytes: Buffer): Message {
  const fields = new Map<number, Wire[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
      if (shift > 63n) throw new RangeError('a varint has more than 10 bytes');
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('a field is longer than its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    if (![0, 1, 2, 5].includes(wire)) throw new RangeError(`wire type ${wire} is not known`);
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    const number = tag >>> 3;
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

const EMPTY = Buffer.alloc(0);

function lastBytes(values: readonly Wire[] | undefined): Buffer {
  const last = values?.at(-1);
  return last instanceof Buffer ? last : EMPTY;
}

/** `prefix`: numbers of the nested messages that we are in and that JSON does not show. */
function readMessage(type: string, prefix: readonly number[], message: Message): JsonObject {
  const out: JsonObject = {};
  const inline = new Set<number>();
  for (const field of fieldsOf(type)) {
    const numbers = field.numbers.slice(prefix.length);
    if (field.numbers.length === 0 || !prefix.every((number, i) => field.numbers[i] === number)) continue;
    const [number = 0, ...deeper] = numbers;
    const values = message.get(number);
    if (values === undefined) continue;
    if (deeper.length > 0) inline.add(number);
    else out[field.name] = readField(field, values);
  }
  for (const number of inline) Object.assign(out, readMessage(type, [...prefix, number], group(lastBytes(message.get(number)))));
  return out;
}

function readField({ type }: Field, values: readonly Wire[]): unknown {
  if (type.kind === 'list') return values.map((value) => readValue(type.of, value));
  if (type.kind !== 'map') return readValue(type, values.at(-1) ?? EMPTY);
  return Object.fromEntries(
    values.map((value) => {
      const entry = group(value instanceof Buffer ? value : EMPTY);
      return [lastBytes(entry.get(1)).toString(), readValue(type.of, entry.get(2)?.at(-1) ?? EMPTY)];
    }),
  );
}

function readValue(type: FieldType, value: Wire): unknown {
  if (type.kind === 'scalar') return readScalar(type.type, value);
  return type.kind === 'object' && value instanceof Buffer ? readMessage(type.type, [], group(value)) : null;
}

function readScalar(type: Scalar, value: Wire): unknown {
  if (typeof value === 'bigint') return type === 'boolean' ? value !== 0n : Number(BigInt.asIntN(64, value));
  switch (type) {
    case 'string':
      return value.toString();
    case 'bytes':
      return value.toString('base64');
    case 'double':
      return value.length === 8 ? value.readDoubleLE() : 0;
    case 'quantity':
      return lastBytes(group(value).get(1)).toString() || '0';
    case 'intOrString': {
      const parts = group(value);
      return parts.get(1)?.at(-1) === 1n ? lastBytes(parts.get(3)).toString() : numberOf(parts.get(2));
    }
    case 'time':
    case 'microtime':
      return readTime(type, value);
    case 'any':
    case 'fields': {
      const raw = lastBytes(group(value).get(1));
      return raw.length === 0 ? null : (JSON.parse(raw.toString()) as unknown);
    }
    case 'strings':
      return (group(value).get(1) ?? []).map((item) => (item instanceof Buffer ? item.toString() : ''));
    case 'boolean':
    case 'int32':
    case 'int64':
      return null;
  }
}

function readTime(type: 'time' | 'microtime', value: Buffer): string | null {
  const parts = group(value);
  if (value.length === 0) return null;
  const nanos = numberOf(parts.get(2));
  const seconds = new Date(numberOf(parts.get(1)) * 1000).toISOString().slice(0, 19);
  return type === 'time' ? `${seconds}Z` : `${seconds}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

function numberOf(values: readonly Wire[] | undefined): number {
  const last = values?.at(-1);
  return typeof last === 'bigint' ? Number(BigInt.asIntN(64, last)) : 0;
}
