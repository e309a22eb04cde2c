import type { PodStatus } from '../pod/index.ts';

/** Conditions that the kubelet owns; all others belong to controllers (Kubernetes v1.20 pkg/kubelet/types/pod_status.go). */
const OWN_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Initialized', 'ContainersReady', 'Ready']);

/** Fields that are taken out again when the new status has none. */
const CLEARED = ['message', 'reason', 'podIP', 'podIPs', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const;

type Cleared = Partial<Record<(typeof CLEARED)[number], null>>;

export interface StatusPatch {
  readonly metadata: { readonly uid: string };
  readonly status: object;
}

/**
 * Strategic merge patch that makes `next` of `previous`. It holds all of our fields, not only the changed ones, so that it is
 * right also when `previous` is a little old; conditions merge by type, so those of others are left out; pod IPs merge by address,
 * so old ones are taken out by name. The UID lets the server refuse it for another pod of that name.
 */
export function statusPatch(uid: string, previous: PodStatus, next: PodStatus): StatusPatch {
  const cleared: Cleared = Object.fromEntries(CLEARED.filter((field) => previous[field] !== undefined && next[field] === undefined).map((field) => [field, null]));
  const { conditions, podIPs, ...rest } = next;
  const kept = new Set(podIPs?.map(({ ip }) => ip));
  const stale = podIPs === undefined ? [] : (previous.podIPs ?? []).filter(({ ip }) => !kept.has(ip)).map(({ ip }) => ({ $patch: 'delete', ip }));
  return {
    metadata: { uid },
    status: {
      ...rest,
      ...cleared,
      ...(conditions !== undefined && { conditions: conditions.filter(({ type }) => OWN_CONDITIONS.has(type)) }),
      ...(podIPs !== undefined && { podIPs: [...podIPs, ...stale] }),
    },
  };
}
