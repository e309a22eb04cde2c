/**
 * volumes: the edge to the node's file system. In: a pod and the root directory. Out: its volumes as paths of the node, its own files
 * (hosts, resolv.conf, termination messages), the links to its logs.
 *
 * Layout, as the kubelet's: `<root>/pods/<uid>/{volumes/kubernetes.io~<kind>/<name>,volume-subpaths,containers/<name>/<id8>,etc-hosts}`.
 * Promises: preparing twice is like once; files that come from us change all at one moment. Removal never follows a link out of the pod's
 * directory and never deletes through a mount: what it cannot unmount it leaves, and says so.
 */
export * from './container-mounts.ts';
export * from './disk-use.ts';
export * from './log-links.ts';
export * from './mounted-volumes.ts';
export { volumePath } from './paths.ts';
export * from './pod-files.ts';
export * from './prepare-volumes.ts';
export * from './remove-pod-files.ts';
export * from './termination-message.ts';
