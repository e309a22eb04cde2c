import type Docker from 'dockerode';
import type { EngineInfo, ImageInfo, InspectedContainer } from './engine.ts';

/** What of the Engine's "system information" the types of dockerode do not know. */
interface SystemInfo {
  readonly ServerVersion: string;
  readonly DockerRootDir: string;
  readonly CgroupVersion?: string;
  readonly CgroupDriver: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly KernelVersion: string;
  readonly OperatingSystem: string;
  readonly Architecture: string;
  readonly Name: string;
  readonly Driver: string;
}

/** Machine names of the kernel and what Go, and so Kubernetes, calls them. */
const GO_ARCHITECTURE: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', i686: '386' };

export function engineInfo(answer: unknown, apiVersion: string, hostIsLocal: boolean): EngineInfo {
  const info = answer as SystemInfo;
  return {
    version: info.ServerVersion,
    apiVersion,
    rootDir: info.DockerRootDir,
    cgroupVersion: info.CgroupVersion === '2' ? 2 : 1,
    cgroupDriver: info.CgroupDriver,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    kernelVersion: info.KernelVersion,
    operatingSystem: info.OperatingSystem,
    architecture: GO_ARCHITECTURE[info.Architecture] ?? info.Architecture,
    name: info.Name,
    storageDriver: info.Driver,
    hostIsLocal,
  };
}

export function inspectedContainer(info: Docker.ContainerInspectInfo): InspectedContainer {
  const { State: state, Config: config } = info;
  const startedAt = time(state.StartedAt);
  const finishedAt = time(state.FinishedAt);
  const networks = Object.values(info.NetworkSettings.Networks ?? {});
  const layer = (info.GraphDriver?.Data as { UpperDir?: string } | null | undefined)?.UpperDir;
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    labels: config.Labels ?? {},
    image: config.Image,
    imageSha: info.Image,
    status: state.Status,
    running: state.Running,
    pid: state.Pid,
    createdAt: time(info.Created) ?? 0,
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled,
    error: state.Error,
    logPath: info.LogPath ?? '',
    resolvConfPath: info.ResolvConfPath ?? '',
    ...(layer !== undefined && { writableLayer: layer }),
    tty: config.Tty,
    networkMode: info.HostConfig.NetworkMode ?? '',
    ips: [...networks.map((one) => one.IPAddress), ...networks.map((one) => one.GlobalIPv6Address)].filter((ip) => ip),
  };
}

/** Milliseconds since the epoch of Docker's nanosecond times; its "never" is the year 1. */
function time(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text.startsWith('0001-')) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

export function imageInfo(info: Docker.ImageInspectInfo): ImageInfo {
  const config = (info.Config ?? {}) as Partial<Docker.ImageInspectInfo['Config']> & { StopSignal?: string };
  return {
    id: info.Id,
    repoTags: info.RepoTags ?? [],
    repoDigests: info.RepoDigests ?? [],
    user: config.User ?? '',
    entrypoint: typeof config.Entrypoint === 'string' ? [config.Entrypoint] : (config.Entrypoint ?? []),
    command: config.Cmd ?? [],
    env: config.Env ?? [],
    workingDir: config.WorkingDir ?? '',
    volumes: Object.keys(config.Volumes ?? {}),
    stopSignal: config.StopSignal ?? '',
    sizeBytes: info.Size,
  };
}
