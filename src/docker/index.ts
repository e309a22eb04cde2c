/**
 * docker: the edge to the Docker Engine. In: a pod's spec and what was decided about it, as plain values. Out: containers with the
 * kubelet's names and labels, images, events, what Docker says is true (`ObservedContainer`).
 *
 * Promises: the settings, names, labels and observations are pure functions. The same attempt of a container always has the same
 * name, so that Docker refuses a second one. What Docker treats as "already so" (stopped, gone) is success. Every other
 * failure is a `KmError` whose code tells the workload's fault from ours and from what may be tried again.
 */
export { hostAppArmor } from './app-armor.ts';
export { connectEngine } from './connect-engine.ts';
export { type CgroupSetting, cgroupSettings, type TaskLimits } from './cgroup/limits.ts';
export { cgroupOf, mesosCgroup } from './cgroup/own-cgroup.ts';
export { PodCgroups } from './cgroup/pod-cgroups.ts';
export * from './container-config.ts';
export * from './create-body.ts';
export * from './create-unique.ts';
export { NameConflict } from './engine-error.ts';
export type * from './engine.ts';
export * from './host-limits.ts';
export * from './image-status.ts';
export type * from './inputs.ts';
export * from './labels.ts';
export * from './measured-engine.ts';
export * from './names.ts';
export * from './observe.ts';
export type * from './process-streams.ts';
export { PullError } from './pull.ts';
export type { PullSecret } from './registry/credentials.ts';
export { repositoryOf } from './registry/image-name.ts';
export { RegistryCredentials } from './registry/registry-credentials.ts';
export * from './sandbox-config.ts';
export { checkRunAsNonRoot } from './security-options.ts';
