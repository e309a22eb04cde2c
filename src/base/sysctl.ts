/** A namespace of the kernel that a pod may have of its own. */
export type SysctlNamespace = 'ipc' | 'net';

/**
 * The namespace that keeps a sysctl apart for a pod; undefined for one that is not known to be kept apart: changing it would change
 * the node. `name` may be the beginning of one. Kubernetes v1.20 pkg/kubelet/sysctl/namespace.go.
 */
export function sysctlNamespace(name: string): SysctlNamespace | undefined {
  if (name === 'kernel.sem' || ['kernel.shm', 'kernel.msg', 'fs.mqueue.'].some((prefix) => name.startsWith(prefix))) return 'ipc';
  return name.startsWith('net.') ? 'net' : undefined;
}
