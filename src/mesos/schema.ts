import { KmError } from '../base/index.ts';
import { tables } from './generated/schema.ts';

/** How often a field may be there. `map` has text keys. */
export type Rule = 'required' | 'optional' | 'repeated' | 'map';

/** As `scripts/generate-mesos.ts` writes it: number, name, type, rule. */
type FieldRow = readonly [id: number, name: string, type: string, rule: Rule];

/** The generated tables: numbers of enum names, fields of messages in the order of their numbers. */
export interface SchemaTables {
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly messages: Readonly<Record<string, readonly FieldRow[]>>;
}

export type Scalar = 'double' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'bool' | 'string' | 'bytes';

/** What one value of a field is. */
export type Kind =
  | { readonly of: 'scalar'; readonly scalar: Scalar }
  | { readonly of: 'enum'; readonly numbers: ReadonlyMap<string, number>; readonly names: ReadonlyMap<number, string> }
  | { readonly of: 'message'; readonly message: MessageType };

export interface FieldType {
  readonly id: number;
  readonly name: string;
  readonly rule: Rule;
  readonly kind: Kind;
}

/** One message: its fields in the order of their numbers, which is the order on the wire. */
export interface MessageType {
  readonly name: string;
  readonly fields: readonly FieldType[];
  readonly byId: ReadonlyMap<number, FieldType>;
  readonly required: readonly FieldType[];
}

const messages = link(tables);

/** The message of that name in `generated/types.ts`. */
export function messageType(name: string): MessageType {
  const type = messages.get(name);
  if (type === undefined) throw new KmError('internal', `no message ${name} in the schema`);
  return type;
}

/** Puts the tables together; messages may contain each other, so that all exist before any has fields. */
function link({ enums, messages: rows }: SchemaTables): ReadonlyMap<string, MessageType> {
  const kinds = new Map<string, Kind>();
  const made = new Map<string, { name: string; fields: FieldType[]; byId: Map<number, FieldType>; required: FieldType[] }>();
  for (const [name, values] of Object.entries(enums)) {
    const entries = Object.entries(values);
    kinds.set(name, { of: 'enum', numbers: new Map(entries), names: new Map(entries.map(([text, number]) => [number, text])) });
  }
  for (const name of Object.keys(rows)) {
    const message = { name, fields: [], byId: new Map<number, FieldType>(), required: [] };
    made.set(name, message);
    kinds.set(name, { of: 'message', message });
  }
  for (const message of made.values()) {
    for (const [id, name, type, rule] of rows[message.name] ?? []) {
      const field: FieldType = { id, name, rule, kind: kinds.get(type) ?? { of: 'scalar', scalar: type as Scalar } };
      message.fields.push(field);
      message.byId.set(id, field);
      if (rule === 'required') message.required.push(field);
    }
  }
  return made;
}
