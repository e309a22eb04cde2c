/**
 * The HTTPS API of the node (Kubernetes v1.20 pkg/kubelet/server), as kube-apiserver, metrics-server and Prometheus know it.
 *
 * In: requests on port 10250, authenticated by client certificate or TokenReview and authorized by SubjectAccessReview;
 * the pods of the executor; the containers of the Engine. Out: logs, streams of exec, attach and port-forward, statistics, metrics.
 * Promises: nothing but healthz without credentials; the kubelet's status codes and words; no client can keep others from being
 * served; nothing is collected while nobody asks.
 */
export type {
  CommandEnd, CommandStreams, ContainerRef, Containers, LogOptions, PortForwardUpgrade, RemoteCommandUpgrade, WantedStreams,
} from './contract.ts';
export { NodeContainers, type NodeContainersOptions } from './containers/node-containers.ts';
export type { NodePod, NodePods } from './containers/node-pods.ts';
export type { HealthCheck } from './endpoints/health.ts';
export { HealthzServer } from './http/healthz-server.ts';
export { healthRoutes } from './endpoints/health.ts';
export { type NodeApi, type NodeApiOptions, startNodeApi } from './node-api.ts';
