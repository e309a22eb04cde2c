/** The body of the Engine's "create container" call as far as we use it (Docker Engine API v1.41), and the container's name. */
export interface ContainerConfig {
  readonly name: string;
  readonly Image: string;
  readonly Labels: Record<string, string>;
  readonly Hostname?: string;
  readonly User?: string;
  readonly Entrypoint?: string[];
  readonly Cmd?: string[];
  readonly Env?: string[];
  readonly WorkingDir?: string;
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly StdinOnce?: boolean;
  readonly ExposedPorts?: Record<string, Record<string, never>>;
  readonly Healthcheck: { readonly Test: string[] };
  readonly HostConfig: HostConfig;
}

export interface HostConfig {
  readonly RestartPolicy: { readonly Name: 'no' };
  readonly LogConfig: { readonly Type: string; readonly Config: Record<string, string> };
  /** The cgroup below which the container's is. */
  readonly CgroupParent?: string;
  readonly NetworkMode: string;
  readonly IpcMode: string;
  readonly PidMode?: string;
  readonly UTSMode?: string;
  readonly Binds?: string[];
  readonly PortBindings?: Record<string, PortBinding[]>;
  readonly Dns?: string[];
  readonly DnsSearch?: string[];
  readonly DnsOptions?: string[];
  readonly Sysctls?: Record<string, string>;
  readonly OomScoreAdj: number;
  readonly CpuShares: number;
  /** Microseconds of CPU time in each period; 0 is no limit. */
  readonly CpuQuota?: number;
  /** Microseconds. */
  readonly CpuPeriod?: number;
  /** Bytes; 0 is no limit. */
  readonly Memory?: number;
  /** Memory and swap together, bytes. */
  readonly MemorySwap?: number;
  readonly ShmSize: number;
  readonly Privileged?: boolean;
  readonly ReadonlyRootfs?: boolean;
  readonly CapAdd?: string[];
  readonly CapDrop?: string[];
  readonly GroupAdd?: string[];
  readonly SecurityOpt?: string[];
  readonly MaskedPaths?: string[];
  readonly ReadonlyPaths?: string[];
}

export interface PortBinding {
  readonly HostIp: string;
  readonly HostPort: string;
}

/** The kubelet's default of 64 MiB for /dev/shm (pkg/kubelet/dockershim/libdocker/kube_docker_client.go). */
export const SHM_BYTES = 64 * 1024 * 1024;

/** As the kubelet's --container-log-max-size and --container-log-max-files. */
export function logConfig({ maxBytes, maxFiles }: { readonly maxBytes: number; readonly maxFiles: number }): HostConfig['LogConfig'] {
  return { Type: 'json-file', Config: { 'max-size': String(maxBytes), 'max-file': String(maxFiles) } };
}

/** The container with its cgroup below `parent`; absent leaves the Engine's own. */
export function inCgroup(config: ContainerConfig, parent: string | undefined): ContainerConfig {
  return parent === undefined ? config : { ...config, HostConfig: { ...config.HostConfig, CgroupParent: parent } };
}

/** What makes Docker leave a container's life to us: no health check, no restart. */
export const HEALTHCHECK_OFF = { Test: ['NONE'] };

