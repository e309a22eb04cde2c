import type { ExecutorConfig } from '../config/index.ts';

/** Our settings by the names of KubeletConfiguration (Kubernetes v1.20 kubelet.config.k8s.io/v1beta1), as far as they are there too. */
export function kubeletConfiguration(config: ExecutorConfig): object {
  return {
    address: config.address,
    port: config.port,
    healthzBindAddress: config.healthzBindAddress,
    healthzPort: config.healthzPort,
    ...(config.tlsCertFile !== undefined && { tlsCertFile: config.tlsCertFile, tlsPrivateKeyFile: config.tlsPrivateKeyFile }),
    serverTLSBootstrap: config.rotateServerCertificates,
    authentication: {
      x509: config.clientCaFile === undefined ? {} : { clientCAFile: config.clientCaFile },
      webhook: { enabled: config.kubeconfig !== undefined, cacheTTL: '2m0s' },
      anonymous: { enabled: false },
    },
    authorization:
      config.kubeconfig === undefined ? { mode: 'AlwaysAllow' } : { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
    readOnlyPort: 0,
    clusterDNS: config.clusterDns,
    ...(config.clusterDomain !== undefined && { clusterDomain: config.clusterDomain }),
    resolvConf: config.resolvConf,
    maxPods: config.maxPods,
    runtimeRequestTimeout: `${config.runtimeRequestTimeoutMs / 1000}s`,
    kubeAPIQPS: config.kubeApiQps,
    kubeAPIBurst: config.kubeApiBurst,
    nodeStatusUpdateFrequency: `${config.nodeStatusUpdateFrequencyMs / 1000}s`,
    containerLogMaxSize: String(config.containerLogMaxBytes),
    containerLogMaxFiles: config.containerLogMaxFiles,
    streamingConnectionIdleTimeout: `${config.streamingConnectionIdleTimeoutMs / 1000}s`,
    enableDebuggingHandlers: true,
    enableSystemLogHandler: config.enableSystemLogHandler,
    logging: { format: config.logFormat },
  };
}
