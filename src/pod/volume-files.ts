import { KmError, messageOf } from '../base/index.ts';
import { dataOf, type DataLookup, type DataObject } from './data-object.ts';
import { type NodeAllocatable, resourceValue, volumeFieldValue } from './downward.ts';
import { tokenWanted, type TokenWanted } from './references.ts';
import type { Container, ValidPod, Volume } from './types.ts';

/** One file of a volume. */
export interface VolumeFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
  /** Whose it is; root's unless told. */
  readonly user?: number;
}

/** By path below the volume. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

export interface VolumeFilesGiven {
  readonly object: DataLookup;
  readonly token: (wanted: TokenWanted) => string;
  /** For `resourceFieldRef` to a limit that is not set. */
  readonly nodeAllocatable?: NodeAllocatable;
}

const DEFAULT_MODE = 0o644;
const OWNER_ONLY = 0o600;

type Items = readonly { key: string; path: string; mode?: number }[] | undefined;
type DownwardItems = NonNullable<NonNullable<Volume['downwardAPI']>['items']>;
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/**
 * What is in a volume of secrets, config maps, facts of the pod and tokens. Throws KmError `workload` in the kubelet's words when an object
 * or key that may not be missing is. Kubernetes v1.20 pkg/volume/{secret,configmap,downwardapi,projected}.
 */
export function volumeFiles(pod: ValidPod, volume: Volume, given: VolumeFilesGiven): VolumeFiles {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret !== undefined) {
    const object = dataOf({ kind: 'secret', name: secret.secretName ?? '' }, secret.optional, given.object);
    return secretFiles(object, secret.items, secret.defaultMode, secret.optional);
  }
  if (configMap !== undefined) {
    const object = dataOf({ kind: 'configMap', name: configMap.name ?? '' }, configMap.optional, given.object);
    return configMapFiles(object, configMap.items, configMap.defaultMode, configMap.optional);
  }
  if (downwardAPI !== undefined) return downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode, given);
  if (projected !== undefined) return projectedFiles(pod, projected.sources ?? [], projected.defaultMode, given);
  throw new KmError('internal', `volume "${volume.name}" is not made of files`);
}

function secretFiles({ data }: DataObject, items: Items, defaultMode: number | undefined, optional: boolean | undefined): VolumeFiles {
  return pick(data, items, defaultMode, optional, (key) => `references non-existent secret key: ${key}`);
}

function configMapFiles({ data, binaryData }: DataObject, items: Items, defaultMode: number | undefined, optional: boolean | undefined): VolumeFiles {
  return pick(new Map([...binaryData, ...data]), items, defaultMode, optional, (key) => `configmap references non-existent config key: ${key}`);
}

function pick(
  data: ReadonlyMap<string, Buffer>,
  items: Items,
  defaultMode = DEFAULT_MODE,
  optional: boolean | undefined,
  missing: (key: string) => string,
): VolumeFiles {
  if (items === undefined || items.length === 0) return new Map([...data].map(([key, value]) => [key, { data: value, mode: defaultMode }]));
  const files = new Map<string, VolumeFile>();
  for (const { key, path, mode = defaultMode } of items) {
    const value = data.get(key);
    if (value !== undefined) files.set(path, { data: value, mode });
    else if (optional !== true) throw new KmError('workload', missing(key));
  }
  return files;
}

function downwardFiles(pod: ValidPod, items: DownwardItems, defaultMode = DEFAULT_MODE, { nodeAllocatable }: VolumeFilesGiven): VolumeFiles {
  return new Map(
    items.map(({ path, mode = defaultMode, fieldRef, resourceFieldRef }): [string, VolumeFile] => {
      const text =
        fieldRef !== undefined
          ? volumeFieldValue(pod, fieldRef.fieldPath)
          : resourceFieldRef === undefined
            ? ''
            : resourceValue(pod, undefined, resourceFieldRef, nodeAllocatable);
      return [path, { data: Buffer.from(text), mode }];
    }),
  );
}

/** All sources side by side in one volume, later ones over earlier ones; every source that cannot be had is told. */
function projectedFiles(pod: ValidPod, sources: readonly Source[], defaultMode = DEFAULT_MODE, given: VolumeFilesGiven): VolumeFiles {
  const files = new Map<string, VolumeFile>();
  const failures: string[] = [];
  for (const source of sources) {
    try {
      for (const [path, file] of sourceFiles(pod, source, defaultMode, given)) files.set(path, file);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  if (failures.length === 0) return files;
  throw new KmError('workload', failures.length === 1 ? (failures[0] ?? '') : `[${failures.join(', ')}]`);
}

function sourceFiles(pod: ValidPod, { secret, configMap, downwardAPI, serviceAccountToken }: Source, defaultMode: number, given: VolumeFilesGiven): VolumeFiles {
  if (secret !== undefined) {
    return secretFiles(dataOf({ kind: 'secret', name: secret.name ?? '' }, secret.optional, given.object), secret.items, defaultMode, secret.optional);
  }
  if (configMap !== undefined) {
    return configMapFiles(dataOf({ kind: 'configMap', name: configMap.name ?? '' }, configMap.optional, given.object), configMap.items, defaultMode, configMap.optional);
  }
  if (downwardAPI !== undefined) return downwardFiles(pod, downwardAPI.items ?? [], defaultMode, given);
  if (serviceAccountToken === undefined) return new Map();
  const user = commonUser(pod);
  const shared = user !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
  const data = Buffer.from(given.token(tokenWanted(serviceAccountToken)));
  return new Map([[serviceAccountToken.path, { data, mode: shared ? OWNER_ONLY : defaultMode, ...(user !== undefined && { user }) }]]);
}

/** The user that all containers of the pod run as, where the pod says so: a token is his alone. pkg/volume/util FsUserFrom. */
function commonUser({ spec }: ValidPod): number | undefined {
  const users = [...(spec.initContainers ?? []), ...spec.containers].map((c: Container) => c.securityContext?.runAsUser ?? spec.securityContext?.runAsUser);
  return users.every((user) => user === users[0]) ? users[0] : undefined;
}
