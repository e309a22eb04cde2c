/**
 * network: the edge to network plugins (CNI, https://www.cni.dev/docs/spec). In: a sandbox that runs, the pod it is for, the folders of networks and of
 * plugins. Out: the pod's addresses.
 *
 * Promises: what ADD has done or may have done is taken back by DEL, also when ADD failed, when the sandbox is gone, when we died in between, or
 * when the network's file has changed. Of ADD and DEL for one sandbox only one runs at a time. Plugins get nothing of our environment.
 */
export * from './cni-network.ts';
export type * from './pod-network.ts';
