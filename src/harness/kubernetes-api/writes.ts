import type { Clock } from '../../base/index.ts';
import { badRequest, field, invalid } from './api-error.ts';
import { applySet } from './apply-set.ts';
import { flagIn, numberIn, parseBody, type Call } from './call.ts';
import { decode, strictDecodingError } from './decode.ts';
import type { DeleteOptions } from './deletion.ts';
import { toEventsEvent } from './event-view.ts';
import { isObject, objectAt, textAt, type JsonObject } from './json.ts';
import { applyPatch } from './patch.ts';
import type { ResourcePath } from './paths.ts';
import { matcherOf, type Reads } from './reads.ts';
import { asObject, type Registry, type UpdateRequest } from './registry.ts';
import type { Reply } from './reply.ts';
import { apiVersionOf, collectionOf, type Resource } from './resources.ts';
import { keyOf, type Store } from './store.ts';
import type { KubernetesObject } from './types.ts';

/** What clients write: whole objects, patches, deletions. Bodies are decoded here; the rules are the registry's. */
export class Writes {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #reads: Reads;
  readonly #clock: Clock;

  constructor(options: { store: Store; registry: Registry; reads: Reads; clock: Clock }) {
    this.#store = options.store;
    this.#registry = options.registry;
    this.#reads = options.reads;
    this.#clock = options.clock;
  }

  create(call: Call, path: ResourcePath): Reply {
    const decoded = decodeBody(call, path.resource, parseBody(call));
    const object = this.#registry.create(path.resource, path.namespace, decoded.object, isDryRun(call));
    return this.#reads.one(call, path.resource, 201, object, decoded.warnings);
  }

  update(call: Call, path: ResourcePath, part: UpdateRequest['part']): Reply {
    const decoded = decodeBody(call, path.resource, parseBody(call));
    const result = this.#registry.update({ ...path, name: path.name ?? '', method: 'PUT', part, dryRun: isDryRun(call), change: () => decoded.object });
    return this.#reads.one(call, path.resource, result.created ? 201 : 200, result.object, decoded.warnings);
  }

  patch(call: Call, path: ResourcePath, part: UpdateRequest['part']): Reply {
    if (call.contentType === 'application/apply-patch+yaml') return this.#apply(call, path, part);
    const { resource } = path;
    const patch = parseBody(call);
    const warnings: string[] = [];
    const change = (old: KubernetesObject): KubernetesObject => {
      const shown = resource.group === 'events.k8s.io' ? toEventsEvent(old) : old;
      // The version is a precondition only where the patch names it.
      const { resourceVersion: _version, ...metadata } = shown.metadata;
      const decoded = decodeBody(call, resource, applyPatch(call.contentType, resource.type, { ...shown, metadata }, patch));
      warnings.push(...decoded.warnings);
      return resource.versionRequired ? withVersion(decoded.object, old) : decoded.object;
    };
    const { object } = this.#registry.update({ ...path, name: path.name ?? '', method: 'PATCH', part, dryRun: isDryRun(call), change });
    return this.#reads.one(call, resource, 200, object, warnings);
  }

  delete(call: Call, path: ResourcePath): Reply {
    const { resource, name = '' } = path;
    const { object, gone } = this.#registry.delete({ ...path, name }, deleteOptionsOf(call), isDryRun(call));
    if (!gone || resource.returnsDeleted) return this.#reads.one(call, resource, 200, object);
    return { status: 200, body: success(resource, name, object.metadata.uid) };
  }

  /** Deletes all that the selectors let through; answers with what it was. */
  deleteCollection(call: Call, path: ResourcePath): Reply {
    const { resource } = path;
    const matches = matcherOf(call, path);
    const options = deleteOptionsOf(call);
    const items: KubernetesObject[] = [];
    for (const [key, object] of this.#store.list(collectionOf(resource))) {
      if (!matches(object) || this.#store.get(collectionOf(resource), key) === undefined) continue;
      const { name, namespace } = object.metadata;
      items.push(this.#registry.delete({ resource, name, ...(namespace === undefined ? {} : { namespace }) }, options, isDryRun(call)).object);
    }
    return { status: 200, body: { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata: { resourceVersion: String(this.#store.version) }, items } };
  }

  /** Server-side apply: the fields that this manager applied before and no longer names go away, those it names are set. */
  #apply(call: Call, path: ResourcePath, part: UpdateRequest['part']): Reply {
    const { resource, namespace, name = '' } = path;
    const manager = call.query.get('fieldManager') ?? '';
    if (manager === '') throw invalid('meta.k8s.io', 'PatchOptions', '', [field.required('fieldManager', 'is required for apply patch')]);
    const { object: wanted, warnings } = decodeBody(call, resource, parseBody(call), false);
    if (wanted.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    const force = flagIn(call.query, 'force');
    const stored = this.#store.get(collectionOf(resource), keyOf(namespace, name));
    const apply = (old: KubernetesObject | undefined): KubernetesObject => this.#decoded(resource, applySet({ resource, old, wanted, manager, force, part, now: this.#clock.now() }));
    if (stored === undefined && part === 'object') {
      const first = apply(undefined);
      const made = this.#registry.create(resource, namespace, first, isDryRun(call), first.metadata['managedFields']);
      return this.#reads.one(call, resource, 201, made, warnings);
    }
    const { object } = this.#registry.update({ ...path, name, method: 'PATCH', part, dryRun: isDryRun(call), change: apply });
    return this.#reads.one(call, resource, 200, object, warnings);
  }

  #decoded(resource: Resource, object: JsonObject): KubernetesObject {
    return asObject(decode(resource.type, object).object, resource);
  }
}

/** The body as an object of the resource, fresh. Unknown fields are an error, a warning or nothing, as `fieldValidation` says. Throws a 400. */
function decodeBody(call: Call, resource: Resource, body: unknown, fill = true): { object: KubernetesObject; warnings: string[] } {
  const given = asObject(body, resource);
  const expected = apiVersionOf(resource);
  if (given.apiVersion === '') given.apiVersion = expected;
  if (given.apiVersion !== expected) throw badRequest(`the API version in the data (${given.apiVersion}) does not match the expected API version (${expected})`);
  if (given.kind !== resource.kind) throw badRequest(`the kind in the data (${given.kind}) does not match the expected kind (${resource.kind})`);
  const { object, unknown } = decode(resource.type, given, fill);
  const validation = call.query.get('fieldValidation') ?? '';
  if (unknown.length > 0 && validation === 'Strict') throw strictDecodingError(given, unknown);
  const warnings = validation === 'Ignore' ? [] : unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  return { object: asObject(object, resource), warnings };
}

function withVersion(object: KubernetesObject, old: KubernetesObject): KubernetesObject {
  const { resourceVersion = old.metadata.resourceVersion ?? '' } = object.metadata;
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

function isDryRun(call: Call): boolean {
  const values = call.query.getAll('dryRun');
  if (values.some((value) => value !== 'All' && value !== '')) throw invalid('meta.k8s.io', 'WriteOptions', '', [field.notSupported('dryRun', values, ['All'])]);
  return values.includes('All');
}

/** Options of a DELETE: those of the body, else those of the query. */
export function deleteOptionsOf(call: Call, body: unknown = parseBody(call)): DeleteOptions {
  const options = isObject(body) ? body : {};
  const seconds = typeof options['gracePeriodSeconds'] === 'number' ? options['gracePeriodSeconds'] : numberIn(call.query, 'gracePeriodSeconds');
  const uid = textAt(objectAt(options, 'preconditions'), 'uid');
  const resourceVersion = textAt(objectAt(options, 'preconditions'), 'resourceVersion');
  return {
    ...(seconds === undefined ? {} : { gracePeriodSeconds: seconds }),
    preconditions: { ...(uid === '' ? {} : { uid }), ...(resourceVersion === '' ? {} : { resourceVersion }) },
  };
}

function success({ group, resource }: Resource, name: string, uid: string | undefined): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, ...(group === '' ? {} : { group }), kind: resource, ...(uid === undefined ? {} : { uid }) } };
}
