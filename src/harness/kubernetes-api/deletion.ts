import { conflict } from './api-error.ts';
import { numberAt, objectAt, textAt } from './json.ts';
import type { Resource } from './resources.ts';
import type { KubernetesObject } from './types.ts';

/** What a DELETE asks for, from its body and its query. */
export interface DeleteOptions {
  /** Seconds. */
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** `mark`: write the object, it stays for now. `remove`: write it (where it changed), then take it away. `nothing`: its deletion is under way already. */
export interface Deletion {
  readonly then: 'mark' | 'remove' | 'nothing';
  readonly object: KubernetesObject;
}

/**
 * What a DELETE does to an object: apiserver pkg/registry/rest/delete.go BeforeDelete, pods with the grace of
 * pkg/registry/core/pod/strategy.go. `now` in milliseconds since the epoch. Throws a 409 when a precondition fails.
 */
export function decideDeletion(resource: Resource, object: KubernetesObject, options: DeleteOptions, now: number): Deletion {
  checkPreconditions(resource, object, options);
  const graceful = withGrace(resource, object, options, now);
  if (graceful === 'pending') return { then: 'nothing', object };
  const next = graceful ?? object;
  if ((next.metadata.finalizers ?? []).length > 0) return { then: 'mark', object: marked(next, now) };
  return { then: graceful !== undefined && (graceful.metadata.deletionGracePeriodSeconds ?? 0) > 0 ? 'mark' : 'remove', object: next };
}

/** True when an update of an object that is being deleted took away the last thing that held it. */
export function isReleased(object: KubernetesObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
}

function checkPreconditions(resource: Resource, object: KubernetesObject, { preconditions }: DeleteOptions): void {
  const named = { group: resource.group, resource: resource.kind };
  const { uid = '', resourceVersion = '' } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(named, object.metadata.name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(named, object.metadata.name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`);
  }
}

/** The object with its grace period begun or shortened; `pending` when that is under way; undefined where there is no grace to give. */
function withGrace(resource: Resource, object: KubernetesObject, options: DeleteOptions, now: number): KubernetesObject | 'pending' | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds: left } = object.metadata;
  if (deletionTimestamp !== undefined) {
    if (left === undefined || left === 0) return undefined;
    const asked = options.gracePeriodSeconds;
    if (asked === undefined || asked >= left) return 'pending';
    return withDeadline(object, Date.parse(deletionTimestamp) + (asked - left) * 1000, asked);
  }
  if (resource.kind !== 'Pod') return undefined;
  const seconds = graceOfPod(object, options);
  return withDeadline(object, now + seconds * 1000, seconds);
}

/** Nothing runs for a pod without a node, or for one that has ended: it needs no grace. */
function graceOfPod(pod: KubernetesObject, options: DeleteOptions): number {
  const phase = textAt(pod['status'], 'phase');
  if (textAt(pod['spec'], 'nodeName') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = options.gracePeriodSeconds ?? numberAt(objectAt(pod, 'spec'), 'terminationGracePeriodSeconds');
  return seconds < 0 ? 1 : seconds;
}

function withDeadline(object: KubernetesObject, at: number, seconds: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: timestamp(at), deletionGracePeriodSeconds: seconds, ...nextGeneration(object) } };
}

function marked(object: KubernetesObject, now: number): KubernetesObject {
  const { deletionTimestamp = timestamp(now), deletionGracePeriodSeconds = 0 } = object.metadata;
  return { ...object, metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds } };
}

function nextGeneration({ metadata }: KubernetesObject): { generation?: number } {
  return metadata.deletionTimestamp === undefined && metadata.generation !== undefined ? { generation: metadata.generation + 1 } : {};
}

/** A time as `metav1.Time` is written: UTC, whole seconds. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
