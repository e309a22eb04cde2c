/**
 * harness/kubernetes-api: a Kubernetes API server in memory, for `km up`, `km replay` and tests. In come the requests of
 * kubectl and of the executor, out go answers and watch events as the real API server words them. It promises the protocol
 * (versions, watches, selectors, patches, preconditions, graceful deletion, the way to the nodes), not the controllers: nothing here creates a pod for a
 * Deployment.
 */
export * from './embedded-api.ts';
export type { Backup } from './store.ts';
export type { ApiChange, ApiRequest, KubernetesObject, ObjectKey, ObjectMeta, ResourceKey } from './types.ts';
