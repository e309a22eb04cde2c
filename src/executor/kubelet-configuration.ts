import { goDuration } from '../base/index.ts';
import type { ExecutorConfig } from '../config/index.ts';
import { bytesQuantity } from '../pod/index.ts';

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
    runtimeRequestTimeout: goDuration(config.runtimeRequestTimeoutMs),
    kubeAPIQPS: config.kubeApiQps,
    kubeAPIBurst: config.kubeApiBurst,
    nodeStatusUpdateFrequency: goDuration(config.nodeStatusUpdateFrequencyMs),
    containerLogMaxSize: bytesQuantity(config.containerLogMaxBytes),
    containerLogMaxFiles: config.containerLogMaxFiles,
    streamingConnectionIdleTimeout: goDuration(config.streamingConnectionIdleTimeoutMs),
    enableDebuggingHandlers: true,
    enableSystemLogHandler: config.enableSystemLogHandler,
    logging: { format: config.logFormat },
  };
}
