import { Option, type Command } from 'commander';
import type { ExecutorConfig } from './executor-config.ts';
import { environmentName, type Flag } from './flag.ts';
import { absolutePath, absolutePathOrNone, absolutePaths, bool, byteSize, dnsName, durationFrom, engineEndpoint, imageName, integerFrom, ipAddress, ipAddresses, labels, oneOf, portNumber, readableFile, sysctlPatterns } from './parsers.ts';

/** The image that keeps a pod's namespaces; built from `docker/pause`. */
export const DEFAULT_PAUSE_IMAGE = 'km/pause:1';

type ExecutorFlags = { readonly [K in keyof Required<ExecutorConfig>]: Flag<Required<ExecutorConfig>[K]> };

export const VERBOSE_FROM = 4;

/** The kubelet's and kube-mesos-framework's names wherever they have one. */
export const EXECUTOR_FLAGS: ExecutorFlags = {
  kubeconfig: { name: 'kubeconfig', value: 'file', help: 'how to reach the Kubernetes API; without one pods run from the Mesos side alone', parse: readableFile },
  rootDir: { name: 'root-dir', value: 'dir', help: 'where the journal and the volumes of pods are', preset: '/var/lib/km', parse: absolutePath },
  podLogsDir: { name: 'pod-logs-dir', value: 'dir', help: 'below it the links to logs of containers are: pods/ and containers/', preset: '/var/log', parse: absolutePath },
  hostnameOverride: { name: 'hostname-override', value: 'name', help: "name of the node (default: the Mesos agent's)", parse: dnsName },
  nodeIp: { name: 'node-ip', value: 'ip', help: 'address of the node (default: that of the interface with the default route)', parse: ipAddress },
  podInfraContainerImage: { name: 'pod-infra-container-image', value: 'image', help: 'image of the container that holds the namespaces of a pod', preset: DEFAULT_PAUSE_IMAGE, parse: imageName },
  dockerEndpoint: { name: 'docker-endpoint', value: 'url', help: 'the Docker Engine (default: DOCKER_HOST, else unix:///var/run/docker.sock)', parse: engineEndpoint },
  runtimeRequestTimeoutMs: { name: 'runtime-request-timeout', value: 'duration', help: 'a call of the Docker Engine that is not answered for so long has failed, and is made again; pulls, logs, exec and attach last as long as they do', preset: '2m0s', parse: durationFrom(1000) },
  clusterDns: { name: 'cluster-dns', value: 'ip,...', help: 'DNS servers of pods with dnsPolicy ClusterFirst', preset: '', repeatable: true, parse: ipAddresses },
  clusterDomain: { name: 'cluster-domain', value: 'name', help: 'domain in which pods look for names first', parse: dnsName },
  resolvConf: { name: 'resolv-conf', value: 'file', help: 'DNS settings of pods with dnsPolicy Default; empty for none', preset: '/etc/resolv.conf', parse: absolutePathOrNone },
  networkPlugin: { name: 'network-plugin', value: 'docker|cni', help: "who gives pods their network: the Engine, or CNI plugins", preset: 'docker', parse: (text) => (text === '' ? 'docker' : oneOf('docker', 'cni')(text)) },
  cniConfDir: { name: 'cni-conf-dir', value: 'dir', help: 'with --network-plugin=cni: where networks are described; the first file by name that can be used is the one', preset: '/etc/cni/net.d', parse: absolutePath },
  cniBinDir: { name: 'cni-bin-dir', value: 'dir,...', help: 'with --network-plugin=cni: where the plugins are', preset: '/opt/cni/bin', repeatable: true, parse: absolutePaths },
  imagePullProgressDeadlineMs: { name: 'image-pull-progress-deadline', value: 'duration', help: 'a pull that makes no progress for so long is given up', preset: '1m0s', parse: durationFrom(1000) },
  offlineImages: { name: 'offline-images', value: 'bool', help: 'where a registry cannot be reached, take the image that the Engine has, even with imagePullPolicy Always', preset: 'false', boolean: true, parse: bool },
  allowedUnsafeSysctls: { name: 'allowed-unsafe-sysctls', value: 'name,...', help: 'sysctls, or beginnings of them with *, that pods may have although they can harm others on the node', preset: '', repeatable: true, parse: sysctlPatterns },
  containerLogMaxBytes: { name: 'container-log-max-size', value: 'size', help: 'size at which a log of a container is rotated', preset: '10Mi', parse: byteSize },
  containerLogMaxFiles: { name: 'container-log-max-files', value: 'n', help: 'log files that a container may have', preset: '5', parse: integerFrom(2) },
  containPodResources: { name: 'contain-pod-resources', value: 'auto|true|false', help: "put pods into the cgroup of the executor's Mesos container, limited to the resources of their tasks; auto: where that can be", preset: 'auto', parse: oneOf('auto', 'true', 'false') },
  maxPods: { name: 'max-pods', value: 'n', help: 'pods that the node may have', preset: '110', parse: integerFrom(1) },
  address: { name: 'address', value: 'ip', help: "address of the node's API", preset: '0.0.0.0', parse: ipAddress },
  port: { name: 'port', value: 'port', help: "port of the node's API (HTTPS); 0 picks a free one", preset: '10250', parse: portNumber },
  healthzBindAddress: { name: 'healthz-bind-address', value: 'ip', help: 'address of healthz in plain HTTP', preset: '127.0.0.1', parse: ipAddress },
  healthzPort: { name: 'healthz-port', value: 'port', help: 'port of healthz in plain HTTP; 0 for none', preset: '10248', parse: portNumber },
  tlsCertFile: { name: 'tls-cert-file', value: 'file', help: "certificate of the node's API, with its chain (default: a self-signed one below the root directory)", parse: readableFile },
  tlsPrivateKeyFile: { name: 'tls-private-key-file', value: 'file', help: 'its key', parse: readableFile },
  rotateServerCertificates: { name: 'rotate-server-certificates', value: 'bool', help: "have the cluster sign the certificate of the node's API, and renew it in time", preset: 'false', boolean: true, parse: bool },
  clientCaFile: { name: 'client-ca-file', value: 'file', help: "authority whose client certificates the node's API takes (kube-apiserver's, for one)", parse: readableFile },
  enableSystemLogHandler: { name: 'enable-system-log-handler', value: 'bool', help: "serve the files below /var/log in the node's API", preset: 'true', boolean: true, parse: bool },
  streamingConnectionIdleTimeoutMs: { name: 'streaming-connection-idle-timeout', value: 'duration', help: 'an exec, attach or port-forward on which nothing comes or goes for so long is closed; 0s: never', preset: '4h0m0s', parse: durationFrom(0) },
  nodeLabels: { name: 'node-labels', value: 'key=value,...', help: 'labels of the node', preset: '', repeatable: true, parse: labels },
  registerNode: { name: 'register-node', value: 'bool', help: 'make the Node object in the Kubernetes API', preset: 'true', boolean: true, parse: bool },
  nodeStatusUpdateFrequencyMs: { name: 'node-status-update-frequency', value: 'duration', help: 'how often the Node object is looked at', preset: '10s', parse: durationFrom(1000) },
  kubeApiQps: { name: 'kube-api-qps', value: 'n', help: 'requests a second to the Kubernetes API', preset: '50', parse: integerFrom(1) },
  kubeApiBurst: { name: 'kube-api-burst', value: 'n', help: 'requests to the Kubernetes API at once', preset: '100', parse: integerFrom(1) },
  launchGracePeriodMs: { name: 'launch-grace-period', value: 'duration', help: 'a task that does not run so long after its launch has failed', preset: '5m0s', parse: durationFrom(1000) },
  suicideTimeoutMs: { name: 'suicide-timeout', value: 'duration', help: 'without a task for so long the executor ends; 0s: never', preset: '20m0s', parse: durationFrom(0) },
  contentType: { name: 'content-type', value: 'protobuf|json', help: 'encoding of the calls to the Mesos agent', preset: 'protobuf', parse: oneOf('protobuf', 'json') },
  logLevel: { name: 'log-level', value: 'level', help: 'least level that is logged: debug, info, warn or error', preset: 'info', parse: oneOf('debug', 'info', 'warn', 'error') },
  logFormat: { name: 'logging-format', value: 'text|json', help: 'form of the log lines', preset: 'text', parse: oneOf('text', 'json') },
};

/** As the kubelet's: a number; 4 and more is `debug`. */
export const VERBOSITY: Flag<'debug' | 'info'> = {
  name: 'v',
  short: 'v',
  value: 'n',
  help: `log level as a number: ${VERBOSE_FROM} and more is debug`,
  parse: (text) => (integerFrom(0)(text) >= VERBOSE_FROM ? 'debug' : 'info'),
};

export const CONFIG_FILE: Flag<string> = { name: 'config', value: 'file', help: 'YAML or JSON file with the same names as these flags', parse: readableFile };

const ALL: readonly Flag<unknown>[] = [CONFIG_FILE, ...Object.values(EXECUTOR_FLAGS), VERBOSITY];

/**
 * Adds the executor's flags to a command. What it does not know is left in `command.args`, so that `executorConfig` can name all faults
 * at once.
 */
export function addExecutorFlags(command: Command): void {
  for (const flag of ALL) command.addOption(optionOf(flag));
  command.allowUnknownOption().allowExcessArguments();
  command.addHelpText('after', `\nIn the environment each is KM_ and its name: --root-dir is ${environmentName(EXECUTOR_FLAGS.rootDir)}. The command line wins, then the environment, then --config.`);
}

function optionOf(flag: Flag<unknown>): Option {
  const names = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
  const value = flag.boolean === true ? `[${flag.value}]` : `<${flag.value}>`;
  const preset = flag.preset === undefined || flag.preset === '' ? '' : ` (default: ${flag.preset})`;
  const option = new Option(`${names} ${value}`, `${flag.help}${preset}`);
  if (flag.repeatable === true) option.argParser((text: string, before: unknown) => (typeof before === 'string' ? `${before},${text}` : text));
  return option;
}
