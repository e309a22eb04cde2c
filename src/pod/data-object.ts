import { KmError } from '../base/index.ts';

/** The two kinds of API objects that hold data for pods. */
export type DataKind = 'secret' | 'configMap';

/** Which secret or config map, in the pod's own namespace. */
export interface DataRef {
  readonly kind: DataKind;
  readonly name: string;
}

/** What a secret or config map holds, decoded. */
export interface DataObject {
  /** A secret's type: `Opaque`, `kubernetes.io/dockerconfigjson`, ... */
  readonly type?: string;
  readonly data: ReadonlyMap<string, Buffer>;
  /** A config map's values that are no text: files, never variables. Empty for a secret. */
  readonly binaryData: ReadonlyMap<string, Buffer>;
}

/** The object as the API has it; undefined when it has none of that name. */
export type DataLookup = (ref: DataRef) => DataObject | undefined;

const EMPTY: DataObject = { data: new Map(), binaryData: new Map() };

/** The object, or nothing at all where it may be missing. Throws KmError `workload`, in the API server's words, where it may not. */
export function dataOf(ref: DataRef, optional: boolean | undefined, lookUp: DataLookup): DataObject {
  const found = lookUp(ref) ?? (optional === true ? EMPTY : undefined);
  if (found === undefined) throw new KmError('workload', `${ref.kind.toLowerCase()} "${ref.name}" not found`);
  return found;
}

/** One name for one object within a namespace. */
export function dataKey({ kind, name }: DataRef): string {
  return `${kind}/${name}`;
}
