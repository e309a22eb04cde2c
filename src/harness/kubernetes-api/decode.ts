import { isCode } from '../../base/index.ts';
import { formatQuantity, parseQuantity } from '../../pod/index.ts';
import { badRequest } from './api-error.ts';
import { isObject, type JsonObject } from './json.ts';
import { fieldOf, fieldsOf, type FieldType, type Scalar } from './schema.ts';

export interface Decoded {
  readonly object: JsonObject;
  /** Paths of fields that the type does not have; they are not in `object`. */
  readonly unknown: readonly string[];
}

/**
 * An object as it comes out of the API server's Go types: unknown fields dropped (and named), what Go leaves out left out, quantities
 * and times in their canonical form, fields in Go's order; with `fill` also what Go always writes. Throws a 400 that names the
 * first field of a wrong type, in the words of Go's decoder.
 */
export function decode(type: string, value: JsonObject, fill = true): Decoded {
  const reading: Reading = { unknown: [], fill };
  try {
    return { object: readObject(type, value, { plain: '', indexed: '' }, reading), unknown: reading.unknown };
  } catch (error) {
    if (!(error instanceof WrongField)) throw error;
    throw badRequest(`${kindOf(value, type)} in version "${versionOf(value)}" cannot be handled as a ${kindOf(value, type)}: ${error.message}`);
  }
}

/** The 400 for unknown fields under `fieldValidation=Strict`. */
export function strictDecodingError(object: JsonObject, unknown: readonly string[]): Error {
  const words = unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ');
  return badRequest(`${kindOf(object, '')} in version "${versionOf(object)}" cannot be handled as a ${kindOf(object, '')}: strict decoding error: ${words}`);
}

const kindOf = (value: JsonObject, type: string): string => (typeof value['kind'] === 'string' ? value['kind'] : type);
const versionOf = (value: JsonObject): string => (typeof value['apiVersion'] === 'string' ? (value['apiVersion'].split('/').at(-1) ?? '') : 'v1');

/** Where we are: without the indices of lists (errors of Go's decoder) and with them (unknown fields). */
interface Path {
  readonly plain: string;
  readonly indexed: string;
}

interface Reading {
  readonly unknown: string[];
  readonly fill: boolean;
}

class WrongField extends Error {}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function readObject(type: string, value: unknown, path: Path, reading: Reading, owner = type): JsonObject {
  if (!isObject(value)) throw mismatch(value, path, owner, `v1.${type}`);
  const given: JsonObject = {};
  for (const [name, content] of Object.entries(value)) {
    const here = { plain: join(path.plain, name), indexed: join(path.indexed, name) };
    const field = fieldOf(type, name);
    if (field === undefined) reading.unknown.push(here.indexed);
    else given[name] = readValue(field.type, content, here, reading, type);
  }
  const out: JsonObject = {};
  for (const { name, type: fieldType, zero } of fieldsOf(type)) {
    const read = given[name];
    if (read === undefined) {
      if (zero === 'written' && reading.fill) out[name] = zeroOf(fieldType);
    } else if (zero !== 'omitted' || !isZero(read)) out[name] = read;
  }
  return out;
}

const isZero = (value: unknown): boolean => value === '' || value === 0 || value === false;

/** What Go writes for a field that nobody set. */
function zeroOf(type: FieldType): unknown {
  if (type.kind === 'object') return readObject(type.type, {}, { plain: '', indexed: '' }, { unknown: [], fill: true });
  if (type.kind !== 'scalar') return null;
  switch (type.type) {
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0;
    case 'string':
    case 'bytes':
      return '';
    case 'quantity':
      return '0';
    case 'time':
    case 'microtime':
    case 'any':
    case 'fields':
    case 'strings':
      return null;
  }
}

function readValue(type: FieldType, value: unknown, path: Path, reading: Reading, owner: string): unknown {
  if (value === null || value === undefined) return undefined;
  switch (type.kind) {
    case 'object':
      return readObject(type.type, value, path, reading, owner);
    case 'list': {
      if (!Array.isArray(value)) throw mismatch(value, path, owner, goType(type));
      if (value.length === 0) return undefined;
      return value.map((item, i) => readValue(type.of, item, { plain: path.plain, indexed: `${path.indexed}[${i}]` }, reading, owner) ?? zeroOf(type.of));
    }
    case 'map': {
      if (!isObject(value)) throw mismatch(value, path, owner, goType(type));
      const entries = Object.entries(value).map(([key, item]) => [key, readValue(type.of, item, { plain: path.plain, indexed: join(path.indexed, key) }, reading, owner) ?? zeroOf(type.of)]);
      return entries.length === 0 ? undefined : Object.fromEntries(entries);
    }
    case 'scalar':
      return readScalar(type.type, value, path, owner);
  }
}

function readScalar(type: Scalar, value: unknown, path: Path, owner: string): unknown {
  switch (type) {
    case 'any':
    case 'fields':
      return value;
    case 'strings':
      if (Array.isArray(value)) return value.map(String);
      throw mismatch(value, path, owner, '[]string');
    case 'string':
      if (typeof value === 'string') return value;
      throw mismatch(value, path, owner, 'string');
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw mismatch(value, path, owner, 'bool');
    case 'int32':
    case 'int64':
      if (Number.isInteger(value)) return value;
      throw mismatch(value, path, owner, type);
    case 'double':
      if (typeof value === 'number') return value;
      throw mismatch(value, path, owner, 'float64');
    case 'intOrString':
      if (typeof value === 'string' || Number.isInteger(value)) return value;
      throw mismatch(value, path, owner, typeof value === 'number' ? 'int32' : 'string');
    case 'quantity':
      return readQuantity(value);
    case 'bytes':
      return readBytes(value, path, owner);
    case 'time':
    case 'microtime':
      return readTime(type, value, path, owner);
  }
}

function readQuantity(value: unknown): string {
  try {
    return formatQuantity(parseQuantity(typeof value === 'string' ? value.trim() : String(value)));
  } catch (error) {
    if (!isCode(error, 'invalid')) throw error;
    throw new WrongField(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  }
}

function readBytes(value: unknown, path: Path, owner: string): string {
  if (typeof value !== 'string') throw mismatch(value, path, owner, '[]uint8');
  const text = value.replaceAll(/[\r\n]/g, '');
  const wrong = /[^A-Za-z0-9+/]/.exec(text.replace(/={1,2}$/, ''));
  if (wrong !== null || text.length % 4 !== 0) throw new WrongField(`illegal base64 data at input byte ${wrong?.index ?? text.length - (text.length % 4)}`);
  return text;
}

function readTime(type: 'time' | 'microtime', value: unknown, path: Path, owner: string): string {
  if (typeof value !== 'string') throw mismatch(value, path, owner, type === 'time' ? 'v1.Time' : 'v1.MicroTime');
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(value);
  const at = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(at)) throw new WrongField(`parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05${type === 'time' ? '' : '.000000'}Z07:00": cannot parse ${JSON.stringify(value)}`);
  const seconds = new Date(at).toISOString().slice(0, 19);
  return type === 'time' ? `${seconds}Z` : `${seconds}${(match?.[2] ?? '.').padEnd(7, '0').slice(0, 7)}Z`;
}

function mismatch(value: unknown, path: Path, owner: string, wanted: string): WrongField {
  const found = Array.isArray(value) ? 'array' : typeof value === 'number' && /^u?int/.test(wanted) ? `number ${value}` : typeof value === 'boolean' ? 'bool' : typeof value;
  return new WrongField(`json: cannot unmarshal ${found} into Go ${path.plain === '' ? 'value' : `struct field ${owner}.${path.plain}`} of type ${wanted}`);
}

const GO_SCALARS: Readonly<Partial<Record<Scalar, string>>> = { boolean: 'bool', double: 'float64', bytes: '[]uint8', quantity: 'resource.Quantity', intOrString: 'intstr.IntOrString', time: 'v1.Time', microtime: 'v1.MicroTime', strings: '[]string' };

function goType(type: FieldType): string {
  switch (type.kind) {
    case 'list':
      return `[]${goType(type.of)}`;
    case 'map':
      return `map[string]${goType(type.of)}`;
    case 'object':
      return `v1.${type.type}`;
    case 'scalar':
      return GO_SCALARS[type.type] ?? type.type;
  }
}
