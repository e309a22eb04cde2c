/**
 * pod: pure decisions about a pod. In: a Pod as the user wrote it, what Docker shows (`ObservedPod`), probe results, the time as a
 * number. Out: the pod with defaults, faults by field, the actions to take, the status to report. Nothing here reads a
 * clock, Docker, the network or the file system, and nothing is mutated.
 *
 * Promises: no input, however malformed, makes reading, defaults or validation throw anything but a KmError `invalid`; a part of the spec
 * that we do not do is a fault, never passed over; a terminal phase never changes, a restart count never falls, `startTime` never moves.
 */
export * from './action.ts';
export * from './actions.ts';
export * from './admit.ts';
export { type ClaimedSource, type ClaimedVolume, claimedVolume, claimVolumes, isReadOnlyVolume, isVolumeOn, volumeNameOf } from './claimed-volume.ts';
export { withOthers } from './conditions.ts';
export { containerHash, HASH_VERSION } from './container-hash.ts';
export { notBegun } from './container-statuses.ts';
export { crashLoopWaiting, type CrashBackoff } from './crash-backoff.ts';
export { dataKey, type DataKind, type DataLookup, type DataObject, type DataRef } from './data-object.ts';
export * from './deadline.ts';
export { defaultPod } from './default-pod.ts';
export * from './dns.ts';
export type { NodeAllocatable } from './downward.ts';
export * from './environment.ts';
export { expand, staticCommand } from './expand.ts';
export { faultText, type Fault } from './faults.ts';
export * from './file-volume-kind.ts';
export { keepResources } from './keep-resources.ts';
export { killGraceSeconds } from './kill-grace.ts';
export { type HostPort, hostPorts } from './host-ports.ts';
export { type LossCause, lostStatus } from './lost-status.ts';
export * from './merge-status.ts';
export * from './mount.ts';
export * from './names.ts';
export { nestedMountPoints } from './nested-mounts.ts';
export * from './network-target.ts';
export { isSelected, type NodeIdentity } from './node-affinity.ts';
export * from './observed.ts';
export * from './outcome.ts';
export * from './phase.ts';
export * from './probe-streak.ts';
export { podNeed } from './pod-need.ts';
export * from './quantity.ts';
export * from './read.ts';
export { dataRefs, environmentDataRefs, fieldThatNeedsApi, pullSecretRefs, tokenKey, type TokenWanted, volumeDataRefs, volumeTokens } from './references.ts';
export { remainsOf } from './remains.ts';
export type { Refusal } from './refusal.ts';
export * from './resources.ts';
export { wantsAppArmor } from './admit-security.ts';
export { appArmorProfile, seccompProfile } from './security-profiles.ts';
export type { Service } from './service-env.ts';
export { isSidecar, lastingContainers, sidecarsOf } from './sidecar.ts';
export * from './status.ts';
export { hasStorageLimits, isLocalEphemeral, storageExcess, type StorageUse } from './storage-limits.ts';
export { sysctlName } from './sysctls.ts';
export * from './times.ts';
export * from './types.ts';
export { usedVolumes } from './used-volumes.ts';
export * from './validate.ts';
export * from './volume-files.ts';
export * from './volume-plugin.ts';
