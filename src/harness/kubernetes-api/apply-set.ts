import { ApiError, type Cause } from './api-error.ts';
import { timestamp } from './deletion.ts';
import { isObject, sameJson, type JsonObject } from './json.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { fieldOf, type FieldType } from './schema.ts';
import type { KubernetesObject } from './types.ts';

/** Fields that somebody applied, in the form of `FieldsV1`: `f:name`, `k:{"name":"x"}`, `v:"x"`; a leaf is empty. */
type FieldSet = { [step: string]: FieldSet };

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly apiVersion?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1: FieldSet;
}

/** Where in the types we are: the type of the value, and for a list how its items are told apart (undefined: it is one value). */
interface Place {
  readonly type: FieldType | undefined;
  readonly keys: readonly string[] | undefined;
}

/** What the API itself names an object by: nobody owns it. */
const IDENTITY = new Set(['f:apiVersion', 'f:kind']);
const IDENTITY_METADATA = new Set(['f:name', 'f:namespace', 'f:creationTimestamp', 'f:uid', 'f:resourceVersion', 'f:generation', 'f:managedFields']);

/**
 * Server-side apply in its simple form: what `wanted` names is set; what the same manager applied before and no longer names goes away,
 * unless another manager applies it too; a field that another manager applies with another value is a conflict (409) unless `force`.
 * Only appliers own fields here: the real server counts other writers too. The result carries the new `managedFields`.
 */
export function applySet(request: { resource: Resource; old: KubernetesObject | undefined; wanted: KubernetesObject; manager: string; force: boolean; part: 'object' | 'status'; now: number }): JsonObject {
  const { resource, old, wanted, manager, force, part, now } = request;
  const root: Place = { type: { kind: 'object', type: resource.type }, keys: undefined };
  const subresource = part === 'status' ? { subresource: 'status' } : {};
  const entries = entriesOf(old);
  const isMine = (entry: Entry): boolean => entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === (part === 'status' ? 'status' : '');
  const mine = entries.find(isMine);
  const others = entries.filter((entry) => !isMine(entry));
  const fields = withoutIdentity(fieldSetOf(root, wanted));

  if (old !== undefined) refuseConflicts(root, fields, others, wanted, old, force);
  const kept = force ? others.map((entry) => ({ ...entry, fieldsV1: minus(entry.fieldsV1, differing(root, fields, entry.fieldsV1, wanted, old)) })) : others;
  const live = old === undefined ? undefined : (removeFields(root, old, minusAll(mine?.fieldsV1 ?? {}, [fields, ...kept.map((entry) => entry.fieldsV1)])) as JsonObject);
  const merged = merge(root, live, wanted) as KubernetesObject;
  const time = mine !== undefined && sameJson(mine.fieldsV1, fields) ? (mine.time ?? timestamp(now)) : timestamp(now);
  const entry: Entry = { manager, operation: 'Apply', apiVersion: apiVersionOf(resource), time, fieldsType: 'FieldsV1', fieldsV1: fields, ...subresource };
  const { resourceVersion: _version, ...metadata } = merged.metadata;
  const version = wanted.metadata.resourceVersion === undefined ? {} : { resourceVersion: wanted.metadata.resourceVersion };
  return { ...merged, metadata: { ...metadata, ...version, managedFields: [...kept, entry] } };
}

function refuseConflicts(root: Place, fields: FieldSet, others: readonly Entry[], wanted: JsonObject, old: JsonObject, force: boolean): void {
  if (force) return;
  const causes: Cause[] = [];
  for (const entry of others) {
    for (const path of leaves(differing(root, fields, entry.fieldsV1, wanted, old))) causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${JSON.stringify(entry.manager)}`, field: path });
  }
  if (causes.length === 0) return;
  const words = causes.map((cause) => `${cause.message}: ${cause.field}`).join('\n');
  throw new ApiError(409, 'Conflict', `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}: ${words}`, { causes });
}

/** Of the fields that both sets own, those whose value in `wanted` is not the one that stands. */
function differing(place: Place, mine: FieldSet, theirs: FieldSet, wanted: unknown, old: unknown): FieldSet {
  const out: FieldSet = {};
  for (const [step, inner] of Object.entries(mine)) {
    const other = theirs[step];
    if (other === undefined || step === '.') continue;
    const next = placeAt(place, step);
    const [wantedValue, oldValue] = [valueAt(place, wanted, step), valueAt(place, old, step)];
    if (isLeaf(inner) || isLeaf(other)) {
      if (!sameJson(wantedValue, oldValue)) out[step] = {};
    } else {
      const deeper = differing(next, inner, other, wantedValue, oldValue);
      if (!isLeaf(deeper)) out[step] = deeper;
    }
  }
  return out;
}

function fieldSetOf(place: Place, value: unknown): FieldSet {
  const out: FieldSet = {};
  if (Array.isArray(value) && place.keys !== undefined) {
    for (const item of value) out[stepOf(place.keys, item)] = place.keys.length === 0 ? {} : { '.': {}, ...fieldSetOf(itemPlace(place), item) };
  } else if (isObject(value) && isOpen(place.type)) {
    for (const [name, inner] of Object.entries(value)) out[`f:${name}`] = fieldSetOf(placeAt(place, `f:${name}`), inner);
  }
  return out;
}

function merge(place: Place, live: unknown, wanted: unknown): unknown {
  if (isObject(wanted) && isObject(live) && isOpen(place.type)) {
    const out: JsonObject = { ...live };
    for (const [name, value] of Object.entries(wanted)) out[name] = merge(placeAt(place, `f:${name}`), live[name], value);
    return out;
  }
  if (!Array.isArray(wanted) || !Array.isArray(live) || place.keys === undefined) return wanted;
  const keys = place.keys;
  const byStep = new Map<string, unknown>(live.map((item: unknown) => [stepOf(keys, item), item]));
  for (const item of wanted as unknown[]) byStep.set(stepOf(keys, item), merge(itemPlace(place), byStep.get(stepOf(keys, item)), item));
  return [...byStep.values()];
}

function removeFields(place: Place, live: unknown, gone: FieldSet): unknown {
  if (Array.isArray(live) && place.keys !== undefined) {
    const keys = place.keys;
    return (live as unknown[]).flatMap((item) => {
      const inner = gone[stepOf(keys, item)];
      if (inner === undefined) return [item];
      return isLeaf(inner) || inner['.'] !== undefined ? [] : [removeFields(itemPlace(place), item, inner)];
    });
  }
  if (!isObject(live)) return live;
  const out: JsonObject = { ...live };
  for (const [step, inner] of Object.entries(gone)) {
    const name = step.slice(2);
    if (!step.startsWith('f:') || out[name] === undefined) continue;
    if (isLeaf(inner)) delete out[name];
    else out[name] = removeFields(placeAt(place, step), out[name], inner);
  }
  return out;
}

/** The fields of `set` that none of `others` has. */
function minusAll(set: FieldSet, others: readonly FieldSet[]): FieldSet {
  return others.reduce(minus, set);
}

function minus(set: FieldSet, other: FieldSet): FieldSet {
  const out: FieldSet = {};
  for (const [step, inner] of Object.entries(set)) {
    const theirs = other[step];
    if (theirs === undefined) out[step] = inner;
    else if (!isLeaf(inner) && !isLeaf(theirs)) {
      const rest = minus(inner, theirs);
      if (!isLeaf(rest)) out[step] = rest;
    }
  }
  return out;
}

function withoutIdentity(set: FieldSet): FieldSet {
  const metadata = Object.fromEntries(Object.entries(set['f:metadata'] ?? {}).filter(([step]) => !IDENTITY_METADATA.has(step)));
  const rest = Object.fromEntries(Object.entries(set).filter(([step]) => !IDENTITY.has(step) && step !== 'f:metadata'));
  return isLeaf(metadata) ? rest : { 'f:metadata': metadata, ...rest };
}

/** Paths as the real server prints them in conflicts: `.spec.containers[name="web"].image`. */
function leaves(set: FieldSet, path = ''): string[] {
  return Object.entries(set).flatMap(([step, inner]) => {
    const here = path + printed(step);
    return isLeaf(inner) ? [here] : leaves(inner, here);
  });
}

function printed(step: string): string {
  if (step.startsWith('f:')) return `.${step.slice(2)}`;
  if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
  return `[${Object.entries(JSON.parse(step.slice(2)) as JsonObject).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}

const isLeaf = (set: FieldSet): boolean => Object.keys(set).length === 0;

/** Whether the fields of such a value have owners of their own. */
function isOpen(type: FieldType | undefined): boolean {
  return type !== undefined && (type.kind === 'object' || type.kind === 'map');
}

function placeAt(place: Place, step: string): Place {
  if (!step.startsWith('f:')) return itemPlace(place);
  if (place.type?.kind === 'map') return { type: place.type.of, keys: undefined };
  if (place.type?.kind !== 'object') return { type: undefined, keys: undefined };
  const field = fieldOf(place.type.type, step.slice(2));
  return { type: field?.type, keys: field?.applyKeys };
}

function itemPlace(place: Place): Place {
  return { type: place.type?.kind === 'list' ? place.type.of : undefined, keys: undefined };
}

function stepOf(keys: readonly string[], item: unknown): string {
  if (keys.length === 0) return `v:${JSON.stringify(item)}`;
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, (isObject(item) ? item[key] : undefined) ?? (key === 'protocol' ? 'TCP' : null)])))}`;
}

function valueAt(place: Place, value: unknown, step: string): unknown {
  if (step.startsWith('f:')) return isObject(value) ? value[step.slice(2)] : undefined;
  return Array.isArray(value) && place.keys !== undefined ? (value as unknown[]).find((item) => stepOf(place.keys ?? [], item) === step) : undefined;
}

function entriesOf(object: KubernetesObject | undefined): Entry[] {
  const entries = object?.metadata['managedFields'];
  return Array.isArray(entries) ? (entries as Entry[]) : [];
}
