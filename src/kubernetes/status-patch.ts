import type { PodStatus } from '../pod/index.ts';

/** Conditions that the kubelet owns; all others belong to controllers (Kubernetes v1.20 pkg/kubelet/types/pod_status.go). */
const OWN_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Initialized', 'ContainersReady', 'Ready', 'PodResizePending']);

/** Fields that the API must not keep when the new status has none. */
const CLEARED = ['message', 'reason', 'podIP', 'podIPs', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const;

export interface StatusPatch {
  readonly metadata: { readonly uid: string };
  readonly status: object;
}

/**
 * Strategic merge patch that makes a status ours. It holds all of our fields, not only the changed ones, and `null` for those that we
 * have no value for, so that it is right whatever stands there. Conditions merge by type and field: those of others are left out. Pod IPs merge
 * by address: those of `held`, the status the API is known to hold, that are over are taken out by name. (A list that is not there
 * yet must not be given directives: Kubernetes 1.20 takes them for elements.) The UID lets the server refuse it for another pod of
 * that name.
 */
export function statusPatch(uid: string, status: PodStatus, held: PodStatus): StatusPatch {
  const { conditions, podIPs, ...rest } = status;
  const kept = new Set(podIPs?.map(({ ip }) => ip));
  const own = (conditions ?? []).filter(({ type }) => OWN_CONDITIONS.has(type));
  const past = (held.conditions ?? []).filter(({ type }) => type === 'PodResizePending' && !own.some((one) => one.type === type)).map(({ type }) => ({ $patch: 'delete', type }));
  const over = (held.podIPs ?? []).filter(({ ip }) => !kept.has(ip)).map(({ ip }) => ({ $patch: 'delete', ip }));
  return {
    metadata: { uid },
    status: {
      ...Object.fromEntries(CLEARED.map((field) => [field, null])),
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
      ...(conditions !== undefined && { conditions: [...own.map((condition) => ({ reason: null, message: null, ...condition })), ...past] }),
      ...(podIPs !== undefined && { podIPs: [...podIPs, ...over] }),
    },
  };
}
