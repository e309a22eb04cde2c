import { KmError, messageOf, type Clock } from '../base/index.ts';
import { dataKey, type DataKind, type DataObject, type DataRef } from '../pod/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { KubernetesClient } from './client.ts';
import type { KubeObject } from './object.ts';
import { watchResource, type WatchEventType } from './watch.ts';
import { within } from './within.ts';

export interface ObjectCacheOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long `get` waits for the first answer of the API, milliseconds; 5 s unless told. */
  readonly waitMs?: number;
}

/** A secret or config map as the API gives it. */
interface DataCarrier extends KubeObject {
  readonly data?: Record<string, string>;
  readonly binaryData?: Record<string, string>;
  readonly immutable?: boolean;
  readonly type?: string;
}

/** One object that somebody holds. */
interface Entry {
  readonly ref: DataRef;
  readonly holders: Map<string, () => void>;
  readonly end: AbortController;
  /** Resolves when the API has answered for the first time. */
  readonly synced: PromiseWithResolvers<void>;
  watching: Promise<void>;
  version: string | undefined;
  object: DataObject | undefined;
  /** Why the API does not answer; absent while it does. */
  failure: unknown;
}

const WAIT_MS = 5_000;
const RESOURCES: Readonly<Record<DataKind, string>> = { secret: 'secrets', configMap: 'configmaps' };

/**
 * The secrets and config maps that pods of this node name, each watched by itself: a node's identity may read no others. Watching begins
 * with the first holder of an object and ends with the last. An object that says it is immutable is not watched any longer.
 * Kubernetes v1.20 pkg/kubelet/util/manager/watch_based_manager.go.
 */
export class ObjectCache {
  readonly #options: ObjectCacheOptions;
  readonly #entries = new Map<string, Entry>();
  /** Watches that are ending. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
  }

  /** Says which objects of a namespace `holder` needs from now on, in place of those before; `onChanged` is called when one is another than before. */
  hold(holder: string, namespace: string, refs: readonly DataRef[], onChanged: () => void): void {
    const wanted = new Map(refs.map((ref) => [keyOf(namespace, ref), ref]));
    for (const [key, entry] of this.#entries) if (entry.holders.has(holder) && !wanted.has(key)) this.#letGo(key, entry, holder);
    for (const [key, ref] of wanted) {
      const entry = this.#entries.get(key) ?? this.#begin(key, namespace, ref);
      entry.holders.set(holder, onChanged);
    }
  }

  release(holder: string): void {
    for (const [key, entry] of this.#entries) this.#letGo(key, entry, holder);
  }

  /**
   * The object as the API has it; undefined when it has none of that name. Only for what is held. Throws code `unavailable` when the API
   * has not answered in time, `aborted` when `signal` aborts.
   */
  async get(namespace: string, ref: DataRef, signal: AbortSignal): Promise<DataObject | undefined> {
    const entry = this.#entries.get(keyOf(namespace, ref));
    if (entry === undefined) throw new KmError('internal', `object "${namespace}"/"${ref.name}" not registered`);
    if (!(await within(this.#options.clock, this.#options.waitMs ?? WAIT_MS, entry.synced.promise, signal))) {
      const why = entry.failure === undefined ? 'timed out waiting for the condition' : messageOf(entry.failure);
      throw new KmError('unavailable', `failed to sync ${ref.kind.toLowerCase()} cache: ${why}`);
    }
    return entry.object;
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    for (const [key, entry] of this.#entries) for (const holder of [...entry.holders.keys()]) this.#letGo(key, entry, holder);
    await Promise.all(this.#ending);
  }

  #begin(key: string, namespace: string, ref: DataRef): Entry {
    const { client, clock, logger } = this.#options;
    const entry: Entry = {
      ref,
      holders: new Map(),
      end: new AbortController(),
      synced: Promise.withResolvers(),
      watching: Promise.resolve(),
      version: undefined,
      object: undefined,
      failure: undefined,
    };
    this.#entries.set(key, entry);
    entry.watching = watchResource<DataCarrier>({
      client,
      clock,
      logger,
      resource: { apiVersion: 'v1', resource: RESOURCES[ref.kind], namespace },
      fieldSelector: `metadata.name=${ref.name}`,
      signal: entry.end.signal,
      onList: (items) => this.#take(entry, items.find(({ metadata }) => metadata?.name === ref.name)),
      onEvent: (type: WatchEventType, object) => this.#take(entry, type === 'DELETED' ? undefined : object),
      onError: (error) => {
        entry.failure = error;
      },
    });
    return entry;
  }

  #take(entry: Entry, carrier: DataCarrier | undefined): void {
    const version = carrier?.metadata?.resourceVersion;
    entry.failure = undefined;
    entry.synced.resolve();
    if (version === entry.version) return;
    entry.version = version;
    entry.object = carrier === undefined ? undefined : decoded(entry.ref.kind, carrier);
    if (carrier?.immutable === true) entry.end.abort();
    for (const onChanged of [...entry.holders.values()]) onChanged();
  }

  #letGo(key: string, entry: Entry, holder: string): void {
    if (!entry.holders.delete(holder) || entry.holders.size > 0) return;
    this.#entries.delete(key);
    entry.end.abort();
    const ending = entry.watching.finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function keyOf(namespace: string, ref: DataRef): string {
  return `${namespace}/${dataKey(ref)}`;
}

function decoded(kind: DataKind, { data = {}, binaryData = {}, type }: DataCarrier): DataObject {
  return { ...(type !== undefined && { type }), data: buffers(data, kind === 'secret' ? 'base64' : 'utf8'), binaryData: buffers(kind === 'secret' ? {} : binaryData, 'base64') };
}

function buffers(values: Readonly<Record<string, string>>, encoding: 'base64' | 'utf8'): Map<string, Buffer> {
  return new Map(Object.entries(values).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}
