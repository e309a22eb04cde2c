import { randomInt, randomUUID } from 'node:crypto';
import type { Clock } from '../../base/index.ts';
import { admitPod, admitToNamespace } from './admission.ts';
import { alreadyExists, badRequest, conflict, field, forbidden, invalid, MODIFIED, notFound, type Cause } from './api-error.ts';
import { setDefaults } from './defaults.ts';
import { decideDeletion, isReleased, timestamp, type DeleteOptions } from './deletion.ts';
import { toCoreEvent } from './event-view.ts';
import { isObject, objectAt, sameJson } from './json.ts';
import { collectionOf, type Resource } from './resources.ts';
import { checkNew, checkUpdate, prepareForCreate, prepareForUpdate, withStatus } from './rules.ts';
import { keyOf, type Store } from './store.ts';
import type { KubernetesObject } from './types.ts';

/** Which object of a resource. `namespace` is absent for those that have none. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name: string;
}

export interface UpdateRequest extends Target {
  /** The object as it shall be, made from what it is: freshly decoded, to be changed by nobody else. */
  readonly change: (old: KubernetesObject) => KubernetesObject;
  /** A patch that gives another UID is invalid (422); a whole object with another UID is meant for another object (409). */
  readonly method: 'PUT' | 'PATCH';
  readonly part: 'object' | 'status';
  readonly dryRun: boolean;
}

/** Events live for an hour, as with `--event-ttl`'s default. */
const EVENT_TTL_MS = 3_600_000;
const NAME_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const IMMORTAL = ['default', 'kube-system', 'kube-public'];

/**
 * Writes to the store under the rules of the API: names, versions, preconditions, defaults, admission, validation, graceful deletion.
 * Errors are `ApiError`s, worded as the real server's.
 */
export class Registry {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #events: { readonly key: string; readonly expires: number }[] = [];

  constructor(options: { store: Store; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  /** The stored object. Throws a 404. */
  find({ resource, namespace, name }: Target): KubernetesObject {
    const found = this.#store.get(collectionOf(resource), keyOf(namespace, name));
    if (found === undefined) throw notFound(resource, name);
    return found;
  }

  /** `managedFields`: who applied which fields, where it was made by an apply. */
  create(resource: Resource, namespace: string | undefined, given: KubernetesObject, dryRun: boolean, managedFields?: unknown): KubernetesObject {
    const object = resource.storedAs === 'events' ? toCoreEvent(given) : given;
    const { metadata } = object;
    if (resource.namespaced) metadata.namespace = checkedNamespace(namespace, metadata.namespace);
    else delete metadata.namespace;
    if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '') metadata.name = (metadata.generateName ?? '') + randomSuffix();
    if ((metadata.name ?? '') === '') throw this.#invalid(resource, { ...object, metadata: { ...metadata, name: '' } }, [field.required('metadata.name', 'name or generateName is required')]);
    for (const name of ['resourceVersion', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields']) delete metadata[name];
    if (managedFields !== undefined) metadata['managedFields'] = managedFields;
    metadata.uid = randomUUID();
    metadata.creationTimestamp = timestamp(this.#clock.now());
    if (resource.namespaced) admitToNamespace(this.#store, resource, object);
    setDefaults(object);
    if (object.kind === 'Pod') admitPod(this.#store, object);
    prepareForCreate(this.#store, resource, object);
    const causes = checkNew(resource, object);
    if (causes.length > 0) throw this.#invalid(resource, object, causes);
    if (this.#store.get(collectionOf(resource), keyOf(metadata.namespace, metadata.name)) !== undefined) throw alreadyExists(resource, metadata.name);
    if (dryRun) return object;
    const stored = this.#store.put(collectionOf(resource), object);
    if (object.kind === 'Event') this.#expireEvents(stored);
    return stored;
  }

  update(request: UpdateRequest): { object: KubernetesObject; created: boolean } {
    const { resource, namespace, name, dryRun } = request;
    const stored = this.#store.get(collectionOf(resource), keyOf(namespace, name));
    if (stored === undefined) {
      if (!resource.createOnUpdate || request.method === 'PATCH') throw notFound(resource, name);
      return { object: this.create(resource, namespace, this.#named(request, request.change({ apiVersion: '', kind: '', metadata: { name } })), dryRun), created: true };
    }
    const changed = this.#named(request, request.change(stored));
    this.#checkVersion(request, changed, stored);
    setDefaults(changed);
    const object = request.part === 'status' ? withStatus(changed, stored) : changed;
    if (request.part === 'object') {
      prepareForUpdate(resource, object, stored);
      const causes = checkUpdate(object, stored);
      if (causes.length > 0) throw this.#invalid(resource, object, causes);
    }
    return { object: this.replace(resource, stored, object, dryRun), created: false };
  }

  /** Writes `object` over `stored` without asking the rules of its kind; what nobody may change is carried over. */
  replace(resource: Resource, stored: KubernetesObject, object: KubernetesObject, dryRun: boolean): KubernetesObject {
    const kept: Record<string, unknown> = {};
    for (const name of ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'generation', 'deletionTimestamp', 'deletionGracePeriodSeconds']) {
      if (stored.metadata[name] !== undefined) kept[name] = stored.metadata[name];
    }
    const metadata = { ...object.metadata, ...kept };
    metadata['managedFields'] ??= stored.metadata['managedFields'];
    if (metadata['managedFields'] === undefined) delete metadata['managedFields'];
    if (stored.metadata.deletionTimestamp === undefined) {
      delete metadata.deletionTimestamp;
      delete metadata.deletionGracePeriodSeconds;
    }
    if (resource.hasGeneration && !sameJson(object['spec'], stored['spec'])) metadata.generation = (stored.metadata.generation ?? 0) + 1;
    const next = { ...object, metadata };
    if (sameJson(next, stored)) return stored;
    if (dryRun) return next;
    if (isReleased(next)) return this.#store.remove(collectionOf(resource), next) ?? next;
    return this.#store.put(collectionOf(resource), next);
  }

  /** `gone` tells whether it is away for good; otherwise `object` is what it is until then. */
  delete(target: Target, options: DeleteOptions, dryRun: boolean): { object: KubernetesObject; gone: boolean } {
    const { resource, name } = target;
    const stored = this.find(target);
    if (resource.kind === 'Namespace') {
      if (IMMORTAL.includes(name)) throw forbidden(resource, name, 'this namespace may not be deleted');
      return { object: this.#terminateNamespace(resource, stored, options, dryRun), gone: false };
    }
    const { then, object } = decideDeletion(resource, stored, options, this.#clock.now());
    if (dryRun || then === 'nothing') return { object, gone: then === 'remove' };
    const collection = collectionOf(resource);
    const marked = object === stored || sameJson(object, stored) ? stored : this.#store.put(collection, object);
    if (then === 'mark') return { object: marked, gone: false };
    return { object: this.#store.remove(collection, marked) ?? marked, gone: true };
  }

  /** Empties a namespace that is being deleted, and removes it when nothing is left in it. Pods take their grace. */
  sweepNamespace(name: string, resources: readonly Resource[]): void {
    const namespace = this.#store.get('namespaces', keyOf(undefined, name));
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    let left = 0;
    for (const resource of resources) {
      if (!resource.namespaced || resource.createOnly || resource.storedAs !== undefined) continue;
      for (const [, object] of this.#store.list(collectionOf(resource))) {
        if (object.metadata.namespace === name && !this.delete({ resource, namespace: name, name: object.metadata.name }, {}, false).gone) left += 1;
      }
    }
    if (left === 0 && (namespace.metadata.finalizers ?? []).length === 0) this.#store.remove('namespaces', namespace);
  }

  #terminateNamespace(resource: Resource, stored: KubernetesObject, options: DeleteOptions, dryRun: boolean): KubernetesObject {
    const { object } = decideDeletion(resource, stored, options, this.#clock.now());
    if (object.metadata.deletionTimestamp !== undefined) return object;
    const next = { ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp(this.#clock.now()) }, status: { ...objectAt(object, 'status'), phase: 'Terminating' } };
    return dryRun ? next : this.#store.put(collectionOf(resource), next);
  }

  /** The object, after its name and namespace were found to be those of the request. */
  #named({ resource, namespace, name }: Target, object: KubernetesObject): KubernetesObject {
    const { metadata } = object;
    if ((metadata.name ?? '') === '') metadata.name = name;
    if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
    if (resource.namespaced) metadata.namespace = checkedNamespace(namespace, metadata.namespace);
    return resource.storedAs === 'events' ? toCoreEvent(object) : object;
  }

  #checkVersion({ resource, method }: UpdateRequest, object: KubernetesObject, stored: KubernetesObject): void {
    const { name, uid, resourceVersion } = object.metadata;
    if (uid !== undefined && uid !== stored.metadata.uid) {
      if (method === 'PATCH') throw this.#invalid(resource, object, [field.invalid('metadata.uid', uid, 'field is immutable')]);
      const key = `/registry/${resource.resource}/${keyOf(object.metadata.namespace, name).replace(/^\//, '')}`;
      throw conflict(resource, name, `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${stored.metadata.uid}`);
    }
    if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== stored.metadata.resourceVersion) throw conflict(resource, name, MODIFIED);
    if (resource.versionRequired && (resourceVersion ?? '') === '') throw this.#invalid(resource, object, [field.invalid('metadata.resourceVersion', '', 'must be specified for an update')]);
  }

  #expireEvents(event: KubernetesObject): void {
    const now = this.#clock.now();
    this.#events.push({ key: keyOf(event.metadata.namespace, event.metadata.name), expires: now + EVENT_TTL_MS });
    while (this.#events[0] !== undefined && this.#events[0].expires <= now) {
      const old = this.#store.get('events', this.#events.shift()?.key ?? '');
      if (old !== undefined) this.#store.remove('events', old);
    }
  }

  #invalid(resource: Resource, object: KubernetesObject, causes: readonly Cause[]): Error {
    return invalid(resource.group, resource.kind, object.metadata.name, causes);
  }
}

/** The namespace of the path, which the object may repeat but not contradict. Throws a 400. */
function checkedNamespace(ofPath: string | undefined, ofObject: string | undefined): string {
  if (ofPath === undefined) throw badRequest('an empty namespace may not be set during creation');
  if (ofObject !== undefined && ofObject !== '' && ofObject !== ofPath) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  return ofPath;
}

function randomSuffix(): string {
  return Array.from({ length: 5 }, () => NAME_LETTERS[randomInt(NAME_LETTERS.length)]).join('');
}

/** An object off the wire that has the fields without which nothing can be done with it. Throws a 400. */
export function asObject(value: unknown, resource: Resource): KubernetesObject {
  if (!isObject(value)) throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`);
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  return { ...value, apiVersion: value['apiVersion'] ?? '', kind: value['kind'] ?? resource.kind, metadata } as KubernetesObject;
}
