import type { Clock } from '../../base/index.ts';
import { ApiError, badRequest, expired } from './api-error.ts';
import { flagIn, numberIn, type Call } from './call.ts';
import { toEventsEvent } from './event-view.ts';
import { selectableFieldsOf, selectableNames } from './fields.ts';
import { isObject, type JsonObject } from './json.ts';
import { negotiate, type Form } from './negotiate.ts';
import type { ResourcePath } from './paths.ts';
import type { Registry } from './registry.ts';
import type { Reply } from './reply.ts';
import { apiVersionOf, collectionOf, type Resource } from './resources.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { Store } from './store.ts';
import { partialMetadata, tableOf, type IncludeObject } from './tables/table.ts';
import type { KubernetesObject } from './types.ts';
import type { WatchRequest } from './watch.ts';

/** Seconds that a watch lasts when the client does not say: as with the real server, between these. */
const WATCH_SECONDS = { least: 1800, most: 3600 };

/** What clients read: single objects, lists (in pages), and what a watch shall tell; each in the form the client wants. */
export class Reads {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #clock: Clock;

  constructor(options: { store: Store; registry: Registry; clock: Clock }) {
    this.#store = options.store;
    this.#registry = options.registry;
    this.#clock = options.clock;
  }

  get(call: Call, path: ResourcePath): Reply {
    const object = this.#registry.find({ ...path, name: path.name ?? '' });
    return this.one(call, path.resource, 200, object);
  }

  /** An answer with one object of a resource. */
  one(call: Call, resource: Resource, status: number, object: KubernetesObject, warnings: readonly string[] = []): Reply {
    const form = negotiate(call.accept);
    return { status, body: this.#shape(call, form, resource, object), form, pretty: flagIn(call.query, 'pretty'), warnings };
  }

  list(call: Call, path: ResourcePath): Reply {
    const { resource } = path;
    const form = negotiate(call.accept);
    const matches = matcherOf(call, path);
    const { items, metadata } = this.#page(call, resource, matches);
    const options = { include: includeOf(call), now: this.#clock.now(), listMetadata: metadata, view: viewOf(resource) };
    const body =
      form.shape === 'table'
        ? tableOf(resource, items, options)
        : form.shape === 'metadata'
          ? { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(partialMetadata) }
          : { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items: items.map((item) => withoutType(viewOf(resource)(item))) };
    return { status: 200, body, form, pretty: flagIn(call.query, 'pretty') };
  }

  watch(call: Call, path: ResourcePath): WatchRequest {
    const { resource } = path;
    const form = negotiate(call.accept);
    const initialEvents = flagIn(call.query, 'sendInitialEvents');
    const bookmarks = flagIn(call.query, 'allowWatchBookmarks');
    if (initialEvents && (!bookmarks || call.query.get('resourceVersionMatch') !== 'NotOlderThan')) {
      throw badRequest('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan and allowWatchBookmarks to true');
    }
    const version = versionIn(call.query);
    let columns = true;
    const encode = (object: KubernetesObject): unknown => {
      const shaped = this.#shape(call, form, resource, object, columns);
      columns = false;
      return shaped;
    };
    return {
      collection: collectionOf(resource),
      matches: matcherOf(call, path),
      encode,
      bookmark: (at, annotations) => bookmarkOf(form, resource, at, annotations),
      from: version === undefined || version === 0 || initialEvents ? undefined : version,
      bookmarks,
      initialEvents,
      timeoutSeconds: numberIn(call.query, 'timeoutSeconds') || WATCH_SECONDS.least + Math.random() * (WATCH_SECONDS.most - WATCH_SECONDS.least),
    };
  }

  #shape(call: Call, form: Form, resource: Resource, object: KubernetesObject, columns = true): unknown {
    const { resourceVersion = '' } = object.metadata;
    if (form.shape === 'table') return tableOf(resource, [object], { include: includeOf(call), now: this.#clock.now(), columns, listMetadata: { resourceVersion }, view: viewOf(resource) });
    return form.shape === 'metadata' ? partialMetadata(object) : viewOf(resource)(object);
  }

  /** The objects of this page, and the metadata of the list: its version, and how to get the next page. */
  #page(call: Call, resource: Resource, matches: (object: KubernetesObject) => boolean): { items: KubernetesObject[]; metadata: JsonObject } {
    const token = call.query.get('continue') ?? '';
    const limit = numberIn(call.query, 'limit') ?? 0;
    const asked = versionIn(call.query);
    if (token === '') this.#checkVersion(call, asked);
    const { version, after } = token === '' ? { version: this.#store.version, after: '' } : continuation(token);
    const all = this.#listAt(collectionOf(resource), version, token !== '').filter(([key, object]) => key > after && matches(object));
    const page = limit > 0 ? all.slice(0, limit) : all;
    const metadata: JsonObject = { resourceVersion: String(version) };
    const left = all.length - page.length;
    if (left > 0) {
      metadata['continue'] = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: page.at(-1)?.[0] })).toString('base64url');
      if (!call.query.has('labelSelector') && !call.query.has('fieldSelector')) metadata['remainingItemCount'] = left;
    }
    return { items: page.map(([, object]) => object), metadata };
  }

  #listAt(collection: string, version: number, continued: boolean): [string, KubernetesObject][] {
    try {
      return this.#store.list(collection, version);
    } catch (error) {
      if (!continued || !(error instanceof ApiError)) throw error;
      throw expired('The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.');
    }
  }

  #checkVersion(call: Call, asked: number | undefined): void {
    if (asked === undefined) return;
    if (asked > this.#store.version) {
      throw new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${this.#store.version}`, {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
        retryAfterSeconds: 1,
      });
    }
    if (call.query.get('resourceVersionMatch') === 'Exact' && asked < this.#store.version) throw expired(`The resourceVersion for the provided list is too old.`);
  }
}

/** Which objects a call speaks of: those of its namespace that its selectors let through. Throws a 400. */
export function matcherOf(call: Call, { resource, namespace }: ResourcePath): (object: KubernetesObject) => boolean {
  const labels = parseLabelSelector(call.query.get('labelSelector') ?? '');
  const fieldText = call.query.get('fieldSelector') ?? '';
  const fields = parseFieldSelector(fieldText, selectableNames(resource));
  const view = viewOf(resource);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels(object.metadata.labels ?? {}) &&
    (fieldText === '' || fields(selectableFieldsOf(resource, view(object))));
}

const same = (object: KubernetesObject): KubernetesObject => object;

/** A stored object as the resource shows it. */
function viewOf(resource: Resource): (object: KubernetesObject) => KubernetesObject {
  return resource.group === 'events.k8s.io' ? toEventsEvent : same;
}

function includeOf(call: Call): IncludeObject {
  const text = call.query.get('includeObject');
  return text === 'None' || text === 'Object' ? text : 'Metadata';
}

function bookmarkOf(form: Form, resource: Resource, version: number, annotations: Record<string, string> | undefined): unknown {
  const metadata = { resourceVersion: String(version), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) };
  if (form.shape === 'table') return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows: [] };
  if (form.shape === 'metadata') return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  return { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata };
}

/** Items of a list go without kind and apiVersion, as the real server writes them. */
function withoutType({ apiVersion: _apiVersion, kind: _kind, ...rest }: KubernetesObject): JsonObject {
  return rest;
}

function versionIn(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  if (text === '') return undefined;
  if (!/^\d+$/.test(text)) throw badRequest(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function continuation(token: string): { version: number; after: string } {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (isObject(value) && typeof value['rv'] === 'number' && typeof value['start'] === 'string') return { version: value['rv'], after: value['start'] };
  } catch {
    // Not a token of ours: the same answer as for one that lacks its fields.
  }
  throw badRequest('continue key is not valid: the continue token is malformed');
}
