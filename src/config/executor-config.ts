/** The executor's settings. Times in milliseconds, sizes in bytes. */
export interface ExecutorConfig {
  /** Path of a kubeconfig; absent: no Kubernetes API. */
  readonly kubeconfig?: string;
  readonly rootDir: string;
  /** Above `pods` and `containers`. */
  readonly podLogsDir: string;
  /** Name of our Node; absent: the Mesos agent's hostname. */
  readonly hostnameOverride?: string;
  /** Address of our Node; absent: that of the interface with the default route. */
  readonly nodeIp?: string;
  readonly podInfraContainerImage: string;
  /** `unix:///path` or `tcp://host:port`. */
  readonly dockerEndpoint: string;
  /** Longest call of the Engine; what lasts as long as a container, a user or a pull does not count. */
  readonly runtimeRequestTimeoutMs: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain?: string;
  /** Path; empty: pods with dnsPolicy Default look nothing up. */
  readonly resolvConf: string;
  /** Who gives pods their network: the Engine, or CNI plugins. */
  readonly networkPlugin: 'docker' | 'cni';
  /** Where the files of networks are, and the plugins. */
  readonly cniConfDir: string;
  readonly cniBinDir: readonly string[];
  readonly imagePullProgressDeadlineMs: number;
  /** An image that is there will do when its registry cannot be reached, whatever the pull policy says. */
  readonly offlineImages: boolean;
  /** Names, and beginnings with `*`, of sysctls that pods may have beside the safe ones. */
  readonly allowedUnsafeSysctls: readonly string[];
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** Whether pods are in the cgroup of the executor's Mesos container; `auto`: where that can be. */
  readonly containPodResources: 'auto' | 'true' | 'false';
  readonly maxPods: number;
  /** Where the node's API (HTTPS) listens; port 0 picks a free one. */
  readonly address: string;
  readonly port: number;
  /** Plain HTTP for healthz; port 0: none. */
  readonly healthzBindAddress: string;
  readonly healthzPort: number;
  /** Given serving certificate and key; absent: self-signed, or from the cluster. */
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  /** Let the cluster sign the serving certificate, and rotate it. */
  readonly rotateServerCertificates: boolean;
  /** Whose client certificates the node's API takes; absent: none. */
  readonly clientCaFile?: string;
  readonly enableSystemLogHandler: boolean;
  /** Exec, attach and port-forward are closed when nothing has come or gone for so long; 0: never. */
  readonly streamingConnectionIdleTimeoutMs: number;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly registerNode: boolean;
  readonly nodeStatusUpdateFrequencyMs: number;
  readonly kubeApiQps: number;
  readonly kubeApiBurst: number;
  /** A task that does not run this long after its launch has failed. */
  readonly launchGracePeriodMs: number;
  /** Without a task for so long the executor ends; 0: never. */
  readonly suicideTimeoutMs: number;
  /** Encoding of the Executor HTTP API. */
  readonly contentType: 'protobuf' | 'json';
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'text' | 'json';
}
