export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole request; 30 s unless told. */
  readonly timeoutMs?: number;
}

export interface Selection {
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface ListOptions extends RequestOptions, Selection {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ObjectList<T> {
  readonly items: T[];
  readonly resourceVersion: string;
  /** Token for the next page; absent on the last. */
  readonly continue?: string;
}

export interface DeleteOptions extends RequestOptions {
  readonly gracePeriodSeconds?: number;
  /** Only the object with this UID. */
  readonly uid?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface SubresourceOptions extends RequestOptions {
  readonly subresource?: string;
}

export interface GetOptions extends SubresourceOptions {
  /** `0`: whatever the server has at hand, at no cost for its store. The newest unless told. */
  readonly resourceVersion?: string;
}

/** How a patch is meant; `json` takes an array of RFC 6902 operations. */
export type PatchType = 'strategic' | 'merge' | 'json';
