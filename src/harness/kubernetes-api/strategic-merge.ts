import { badRequest } from './api-error.ts';
import { isObject, sameJson, type JsonObject } from './json.ts';
import { fieldOf } from './schema.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/**
 * A strategic merge patch on an object of a type (apimachinery/pkg/util/strategicpatch): null deletes, objects merge, lists that have a
 * merge key merge by it, other lists are replaced; `$patch: delete|replace|merge`, `$retainKeys`, `$setElementOrder/x` and
 * `$deleteFromPrimitiveList/x` do what they say. An unknown type (undefined) merges objects and replaces lists. Nothing given is changed.
 * Throws a 400 for a malformed patch.
 */
export function strategicMerge(type: string | undefined, original: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') return withoutDirectives(omit(patch, DIRECTIVE)) as JsonObject;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`);

  const merged: JsonObject = Array.isArray(patch[RETAIN_KEYS]) ? retain(original, patch, patch[RETAIN_KEYS]) : { ...original };
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    const result = value === null ? undefined : mergeField(type, name, merged[name], value, patch[SET_ORDER + name]);
    if (result === undefined) delete merged[name];
    else merged[name] = result;
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(DELETE_FROM)) removeScalars(merged, name.slice(DELETE_FROM.length), value);
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(SET_ORDER)) reorder(type, merged, original, name.slice(SET_ORDER.length), value);
  }
  return merged;
}

function mergeField(type: string | undefined, name: string, original: unknown, value: unknown, order: unknown): unknown {
  const field = fieldOf(type, name);
  const declared = field?.type;
  if (isObject(value)) {
    const inner = declared?.kind === 'object' ? declared.type : undefined;
    if (!isObject(original)) return value[DIRECTIVE] === 'delete' ? undefined : withoutDirectives(value);
    return value[DIRECTIVE] === 'delete' ? undefined : strategicMerge(inner, original, value);
  }
  if (!Array.isArray(value)) return value;
  const key = field?.mergeKey;
  if (!Array.isArray(original) || key === undefined) return withoutDirectives(value);
  if (key === '') return inOrder(unique([...(original as unknown[]), ...(value as unknown[])]), value, original, '');
  const items = declared?.kind === 'list' && declared.of.kind === 'object' ? declared.of.type : undefined;
  return mergeItems(items, original.filter(isObject), value.filter(isObject), key, Array.isArray(order));
}

function mergeItems(type: string | undefined, original: JsonObject[], patch: JsonObject[], key: string, ordered: boolean): JsonObject[] {
  const replaces = patch.some((item) => item[DIRECTIVE] === 'replace');
  const plain = patch.filter((item) => item[DIRECTIVE] === undefined || item[DIRECTIVE] === 'merge').map((item) => omit(item, DIRECTIVE));
  if (replaces) return plain.map((item) => withoutDirectives(item) as JsonObject);

  const gone = patch.filter((item) => item[DIRECTIVE] === 'delete').map((item) => item[key]);
  const merged = original.filter((item) => !gone.includes(item[key]));
  for (const item of plain) {
    if (item[key] === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = merged.findIndex((candidate) => candidate[key] === item[key]);
    if (at < 0) merged.push(withoutDirectives(item) as JsonObject);
    else merged[at] = strategicMerge(type, merged[at] as JsonObject, item);
  }
  return ordered ? merged : (inOrder(merged, plain, original, key) as JsonObject[]);
}

/** The object with only the keys of the list kept (of those that the patch does not set anew). */
function retain(original: JsonObject, patch: JsonObject, keys: unknown[]): JsonObject {
  const kept = new Set(keys);
  const extra = Object.keys(patch).find((name) => !name.startsWith('$') && patch[name] !== null && !kept.has(name));
  if (extra !== undefined) throw badRequest(`${RETAIN_KEYS} directive is incorrect: ${JSON.stringify(extra)} is set but not in the list`);
  return Object.fromEntries(Object.entries(original).filter(([name]) => kept.has(name)));
}

function removeScalars(target: JsonObject, name: string, gone: unknown): void {
  const list = target[name];
  if (!Array.isArray(list) || !Array.isArray(gone)) return;
  target[name] = (list as unknown[]).filter((item) => !gone.includes(item));
}

function reorder(type: string | undefined, target: JsonObject, original: JsonObject, name: string, order: unknown): void {
  const list = target[name];
  if (!Array.isArray(list) || !Array.isArray(order)) return;
  const key = fieldOf(type, name)?.mergeKey;
  if (key === undefined) return;
  target[name] = inOrder(list, order, Array.isArray(original[name]) ? original[name] : [], key);
}

/**
 * The items that `wanted` names, in its order; the others (only the server knows them) keep their places among these as far as
 * their order in `before` says.
 */
function inOrder(items: readonly unknown[], wanted: readonly unknown[], before: readonly unknown[], key: string): unknown[] {
  const place = (list: readonly unknown[], item: unknown): number => list.findIndex((other) => sameItem(other, item, key));
  const named = items.filter((item) => place(wanted, item) >= 0).sort((a, b) => place(wanted, a) - place(wanted, b));
  const others = items.filter((item) => place(wanted, item) < 0).sort((a, b) => place(before, a) - place(before, b));
  const out: unknown[] = [];
  while (others.length > 0 || named.length > 0) {
    const [other] = others;
    const [next] = named;
    const otherFirst = named.length === 0 || (others.length > 0 && place(before, next) >= 0 && place(before, other) < place(before, next));
    out.push(otherFirst ? others.shift() : named.shift());
  }
  return out;
}

function sameItem(a: unknown, b: unknown, key: string): boolean {
  return key === '' ? sameJson(a, b) : isObject(a) && isObject(b) && a[key] === b[key];
}

function unique(list: readonly unknown[]): unknown[] {
  return list.filter((item, i) => list.findIndex((other) => sameJson(other, item)) === i);
}

function omit(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}

/** What goes in where nothing was before: directives and deletions mean nothing there. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    const kept: unknown[] = value.filter((item) => !(isObject(item) && (item[DIRECTIVE] === 'delete' || isDirectiveOnly(item))));
    return kept.map(withoutDirectives);
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, content]) => !name.startsWith('$') && content !== null)
      .map(([name, content]) => [name, withoutDirectives(content)]),
  );
}

const isDirectiveOnly = (item: JsonObject): boolean => item[DIRECTIVE] !== undefined && Object.keys(item).length === 1;
