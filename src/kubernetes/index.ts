/**
 * kubernetes: the edge to the Kubernetes API. In: a kubeconfig (or the pod's own service account), objects to write, what to watch.
 * Out: objects as JSON, watches that never give up, pods of this node and what they name (secrets, config maps, tokens, services), events.
 *
 * It promises: an API that is away, slow or answers nonsense deletes nothing and ends nothing (only a DELETED event, or a 404 or
 * another UID on a pod that a fresh list lacks, does); writes are guarded by the UID; foreign errors come out as `KubernetesError`
 * with one of our codes; memory, connections and timers are bounded and end with `close`, `stop` or the signal.
 */
export * from './access.ts';
export * from './client.ts';
export * from './event-recorder.ts';
export * from './kubeconfig.ts';
export * from './kubernetes-error.ts';
export * from './object.ts';
export * from './pod-objects.ts';
export * from './pod-source.ts';
export * from './pod-writes.ts';
export * from './read-pod.ts';
export * from './request-options.ts';
export * from './watch.ts';
