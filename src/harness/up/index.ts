/**
 * harness/up: a one-machine cluster. In come pods through a Kubernetes API (embedded, or a real one by kubeconfig), out go
 * Mesos tasks to a real `km executor` child process below an emulated agent. It promises that every pod bound to its node
 * is launched exactly once, and that `stop` leaves neither process nor container behind.
 */
export type { Cluster, ClusterEvent, ClusterOptions, ExecutorExit } from './types.ts';
export { executorExtraEnvironment } from './executor-command.ts';
export { startCluster } from './start-cluster.ts';
