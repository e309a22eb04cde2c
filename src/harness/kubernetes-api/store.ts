import { expired } from './api-error.ts';
import type { ApiChange, KubernetesObject } from './types.ts';

/** One change of one object, as watches get it. Objects in it are never changed after. */
export interface StoreEvent {
  readonly type: ApiChange['type'];
  readonly version: number;
  readonly object: KubernetesObject;
  /** What it was before; absent for ADDED. */
  readonly previous?: KubernetesObject;
}

interface Collection {
  readonly objects: Map<string, KubernetesObject>;
  /** The latest changes, oldest first. */
  readonly history: StoreEvent[];
  /** All changes with a higher version are in `history`. */
  forgottenThrough: number;
  readonly listeners: Set<(event: StoreEvent) => void>;
}

/** What a store held at one moment. */
export interface Backup {
  readonly version: number;
  readonly objects: ReadonlyMap<string, ReadonlyMap<string, KubernetesObject>>;
}

/** `namespace/name`; the key by which a collection is ordered. */
export function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/**
 * All objects, by collection (`pods`, `deployments.apps`), with one counter of versions for all of them and for each collection a
 * bounded memory of its latest changes. Objects that go in or come out are not copied: whoever puts one in never changes it again.
 *
 * Between calls: `metadata.resourceVersion` of a stored object is the counter at its last write; listeners have seen every change in order.
 */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #historySize: number;
  readonly #onChange: (change: ApiChange) => void;
  #version = 0;

  constructor(options: { historySize: number; onChange: (change: ApiChange) => void }) {
    this.#historySize = options.historySize;
    this.#onChange = options.onChange;
  }

  /** The version of the latest write. */
  get version(): number {
    return this.#version;
  }

  get(collection: string, key: string): KubernetesObject | undefined {
    return this.#collections.get(collection)?.objects.get(key);
  }

  /** All of them in the order of their keys; as they were at `version`, where one is given. Throws a 410 when that is forgotten. */
  list(collection: string, version = this.#version): [key: string, object: KubernetesObject][] {
    const { objects, history, forgottenThrough } = this.#collection(collection);
    const then = new Map(objects);
    if (version < this.#version) {
      if (version < forgottenThrough) throw expired(tooOld(version, forgottenThrough));
      for (let i = history.length - 1; i >= 0; i--) {
        const event = history[i];
        if (event === undefined || event.version <= version) break;
        const key = keyOf(event.object.metadata.namespace, event.object.metadata.name);
        if (event.previous === undefined) then.delete(key);
        else then.set(key, event.previous);
      }
    }
    return [...then].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Writes the object over what is there; it comes back with its new version. */
  put(collection: string, object: KubernetesObject): KubernetesObject {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const previous = this.#collection(collection).objects.get(key);
    const stored = this.#stamp(object);
    this.#collection(collection).objects.set(key, stored);
    this.#record(collection, { type: previous === undefined ? 'ADDED' : 'MODIFIED', version: this.#version, object: stored, ...(previous === undefined ? {} : { previous }) });
    return stored;
  }

  /** Removes it; `last` is what watches are told it was in the end. */
  remove(collection: string, last: KubernetesObject): KubernetesObject | undefined {
    const key = keyOf(last.metadata.namespace, last.metadata.name);
    const previous = this.#collection(collection).objects.get(key);
    if (previous === undefined) return undefined;
    const stored = this.#stamp(last);
    this.#collection(collection).objects.delete(key);
    this.#record(collection, { type: 'DELETED', version: this.#version, object: stored, previous });
    return stored;
  }

  /** The changes after `version`, oldest first. Throws a 410 when some of them are forgotten. */
  since(collection: string, version: number): readonly StoreEvent[] {
    const { history, forgottenThrough } = this.#collection(collection);
    if (version < forgottenThrough) throw expired(tooOld(version, forgottenThrough));
    return history.filter((event) => event.version > version);
  }

  /** Calls `listener` within every later write; the returned function ends that. */
  listen(collection: string, listener: (event: StoreEvent) => void): () => void {
    const { listeners } = this.#collection(collection);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** All there is now, for `restore`. */
  backup(): Backup {
    return { version: this.#version, objects: new Map([...this.#collections].map(([name, { objects }]) => [name, new Map(objects)])) };
  }

  /** Everything is as it was at the backup, the counter of versions too; nobody is told, and no change is remembered. */
  restore({ version, objects }: Backup): void {
    this.#version = version;
    for (const [name, collection] of this.#collections) {
      collection.objects.clear();
      for (const [key, object] of objects.get(name) ?? []) collection.objects.set(key, object);
      collection.history.length = 0;
      collection.forgottenThrough = version;
    }
  }

  #stamp(object: KubernetesObject): KubernetesObject {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #record(collection: string, event: StoreEvent): void {
    const state = this.#collection(collection);
    state.history.push(event);
    if (state.history.length > this.#historySize) state.forgottenThrough = state.history.shift()?.version ?? state.forgottenThrough;
    for (const listener of [...state.listeners]) listener(event);
    this.#onChange({ type: event.type, object: event.object });
  }

  #collection(name: string): Collection {
    const known = this.#collections.get(name);
    if (known !== undefined) return known;
    const made: Collection = { objects: new Map(), history: [], forgottenThrough: 0, listeners: new Set() };
    this.#collections.set(name, made);
    return made;
  }
}

const tooOld = (asked: number, oldest: number): string => `too old resource version: ${asked} (${oldest + 1})`;
