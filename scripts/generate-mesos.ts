/**
 * Writes src/mesos/generated from proto/mesos: `schema.ts`, the field tables that the codec walks, and `types.ts`, what
 * messages look like in memory. Does nothing when both are newer work of the same sources.
 *
 * A table of fields instead of protobufjs' generated functions: a tenth of the code to load in every executor, one codec
 * for protobuf and JSON, and it can name the field at fault.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import protobuf from 'protobufjs';

const root = join(import.meta.dirname, '..');
const protoRoot = join(root, 'proto');
const target = join(root, 'src/mesos/generated');
const packages = ['mesos.v1', 'mesos.v1.executor'];
/** Unions on `type`: their TypeScript form is written by hand in src/mesos/messages.ts. */
const unions = new Set(['mesos.v1.executor.Event', 'mesos.v1.executor.Call']);

const SCALARS: Readonly<Record<string, string>> = {
  double: 'number',
  int32: 'number',
  uint32: 'number',
  int64: 'Integer64',
  uint64: 'Integer64',
  bool: 'boolean',
  string: 'string',
  bytes: 'Uint8Array',
};

const sources = readdirSync(protoRoot, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.proto'))
  .sort();
const fingerprint = createHash('sha256');
for (const file of [import.meta.filename, ...sources.map((name) => join(protoRoot, name))]) {
  fingerprint.update(relative(root, file)).update(readFileSync(file));
}
const firstLine = `// Written by scripts/generate-mesos.ts from proto/, ${fingerprint.digest('hex')}`;

const outputs = ['schema.ts', 'types.ts'].map((name) => join(target, name));
if (outputs.every((file) => existsSync(file) && readFileSync(file, 'utf8').startsWith(`${firstLine}\n`))) process.exit(0);

const types: protobuf.Type[] = [];
const enums: protobuf.Enum[] = [];
for (const namespace of load()) collect(namespace);
checkNames();
mkdirSync(target, { recursive: true });
write('schema.ts', schemaText());
write('types.ts', typesText());

function load(): protobuf.Namespace[] {
  const all = new protobuf.Root();
  all.resolvePath = (_origin, file) => (file.startsWith(protoRoot) ? file : join(protoRoot, file));
  all.loadSync(sources, { keepCase: true });
  all.resolveAll();
  return packages.map((name) => all.lookup(name) as protobuf.Namespace);
}

function collect(namespace: protobuf.NamespaceBase): void {
  for (const member of namespace.nestedArray) {
    if (member instanceof protobuf.Type) {
      types.push(member);
      collect(member);
    } else if (member instanceof protobuf.Enum) {
      enums.push(member);
    }
  }
}

/** `mesos.v1.TaskStatus.Reason` -> `TaskStatusReason`. */
function nameOf(member: protobuf.ReflectionObject): string {
  return member.fullName.replace(/^\.?mesos\.v1(\.executor)?\./, '').replaceAll('.', '');
}

function checkNames(): void {
  const seen = new Map<string, string>();
  for (const member of [...types, ...enums]) {
    const other = seen.get(nameOf(member));
    if (other !== undefined) throw new Error(`${other} and ${member.fullName} would both be called ${nameOf(member)}`);
    seen.set(nameOf(member), member.fullName);
  }
}

function fieldsOf(type: protobuf.Type): protobuf.Field[] {
  return [...type.fieldsArray].sort((a, b) => a.id - b.id);
}

/** How often a field may be there. Required fields are checked in both directions. */
function ruleOf(field: protobuf.Field): string {
  if (field.map) {
    if ((field as unknown as protobuf.MapField).keyType !== 'string') throw new Error(`${field.fullName}: only text keys are known`);
    return 'map';
  }
  return field.repeated ? 'repeated' : field.required ? 'required' : 'optional';
}

function schemaText(): string {
  const lines = ["import type { SchemaTables } from '../schema.ts';", '', 'export const tables: SchemaTables = {', '  enums: {'];
  for (const each of enums) lines.push(`    ${nameOf(each)}: ${JSON.stringify(each.values)},`);
  lines.push('  },', '  messages: {');
  for (const type of types) {
    const fields = fieldsOf(type).map((field) => {
      const kind = field.resolvedType === null ? field.type : nameOf(field.resolvedType);
      return JSON.stringify([field.id, field.name, kind, ruleOf(field)]);
    });
    lines.push(`    ${nameOf(type)}: [${fields.join(', ')}],`);
  }
  return [...lines, '  },', '};', ''].join('\n');
}

function typesText(): string {
  const lines = [
    '/** A number where that is exact, else a bigint. */',
    'export type Integer64 = number | bigint;',
    '/** The value of an enum that this version has no name for. */',
    'export type UnknownEnum = number;',
    '',
  ];
  for (const each of enums) {
    if (unions.has(each.parent?.fullName.slice(1) ?? '')) continue;
    lines.push(`export type ${nameOf(each)} = ${Object.keys(each.values).map((name) => `'${name}'`).join(' | ')};`, '');
  }
  for (const type of types) {
    if (unions.has(type.fullName.slice(1))) continue;
    const fields = fieldsOf(type).map((field) => `  readonly ${field.name}${field.required ? '' : '?'}: ${memoryType(field)};`);
    lines.push(...(fields.length === 0 ? [`export type ${nameOf(type)} = Readonly<Record<string, never>>;`, ''] : [`export interface ${nameOf(type)} {`, ...fields, '}', '']));
  }
  return lines.join('\n');
}

function memoryType(field: protobuf.Field): string {
  const scalar = SCALARS[field.type];
  if (field.resolvedType === null && scalar === undefined) throw new Error(`${field.fullName}: type ${field.type} is not known`);
  const one = field.resolvedType === null ? (scalar as string) : nameOf(field.resolvedType) + (field.resolvedType instanceof protobuf.Enum ? ' | UnknownEnum' : '');
  if (field.map) return `Readonly<Record<string, ${one}>>`;
  return field.repeated ? `readonly ${one.includes('|') ? `(${one})` : one}[]` : one;
}

/** In one step, so that nobody ever reads half a file. */
function write(name: string, text: string): void {
  const file = join(target, name);
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${firstLine}\n${text}`);
  renameSync(fresh, file);
}
