import types from './schema.json' with { type: 'json' };

/*
 * What the API server knows of the shape of objects. schema.json (made by scripts/generate-kubernetes-schema.ts) has for each type
 * its fields, and for each field: its protobuf number (with a dot where it stands in a nested message that JSON has inline), its
 * type, what its zero means, and how lists are merged: `2 []Container - merge=name apply=name`.
 */

export type FieldType =
  | { readonly kind: 'list' | 'map'; readonly of: FieldType }
  | { readonly kind: 'object'; readonly type: string }
  | { readonly kind: 'scalar'; readonly type: Scalar };

/** `fields` is the JSON of FieldsV1, `strings` a list of strings that is a message of its own in protobuf. */
export type Scalar = 'string' | 'boolean' | 'int32' | 'int64' | 'double' | 'time' | 'microtime' | 'bytes' | 'quantity' | 'intOrString' | 'any' | 'fields' | 'strings';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Protobuf numbers from the outside in; empty where it has none. */
  readonly numbers: readonly number[];
  /** What Go does with the zero value: writes it all the same, leaves it out, or tells it from nothing (pointers). */
  readonly zero: 'written' | 'omitted' | 'kept';
  /** Key by which strategic merge tells the items of a list apart; `''` for scalars; absent: the list is replaced. */
  readonly mergeKey?: string;
  /** Keys of server-side apply; empty for a set of scalars; absent: the list is one value. */
  readonly applyKeys?: readonly string[];
  /** A patch may carry `$retainKeys`: a new member of a union pushes out the old one. */
  readonly retainsKeys: boolean;
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>(['string', 'boolean', 'int32', 'int64', 'double', 'time', 'microtime', 'bytes', 'quantity', 'intOrString', 'any', 'fields', 'strings']);
const ZEROS: Readonly<Record<string, Field['zero']>> = { '!': 'written', '-': 'omitted', '*': 'kept' };

function parseType(text: string): FieldType {
  if (text.startsWith('[]')) return { kind: 'list', of: parseType(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', of: parseType(text.slice(2)) };
  return SCALARS.has(text) ? { kind: 'scalar', type: text as Scalar } : { kind: 'object', type: text };
}

function parseField(name: string, text: string): Field {
  const [numbers = '0', type = 'any', zero = '*', ...rules] = text.split(' ');
  const rule = (key: string): string | undefined => rules.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const mergeKey = rule('merge');
  const applyKeys = rule('apply');
  return {
    name,
    type: parseType(type),
    numbers: numbers === '0' ? [] : numbers.split('.').map(Number),
    zero: ZEROS[zero] ?? 'kept',
    retainsKeys: rules.includes('retain'),
    ...(mergeKey === undefined ? {} : { mergeKey }),
    ...(applyKeys === undefined ? {} : { applyKeys: applyKeys.split(',').filter((key) => key !== '') }),
  };
}

const TYPES: ReadonlyMap<string, ReadonlyMap<string, Field>> = new Map(
  Object.entries(types as Readonly<Record<string, Readonly<Record<string, string>>>>).map(([type, fields]) => [
    type,
    new Map(Object.entries(fields).map(([name, text]) => [name, parseField(name, text)])),
  ]),
);

/** The fields of a type, in the order in which Go writes them; none for a type that is not known. */
export function fieldsOf(type: string): Iterable<Field> {
  return TYPES.get(type)?.values() ?? [];
}

/** Undefined when the type has no such field. */
export function fieldOf(type: string | undefined, name: string): Field | undefined {
  return type === undefined ? undefined : TYPES.get(type)?.get(name);
}
