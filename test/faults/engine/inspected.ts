/** What the Engine tells of itself and of a container. */
import { hostname } from 'node:os';
import { isoNanos, type StandInContainer } from './container.ts';
import type { StandInEngine } from './stand-in-engine.ts';

export function engineVersion(): object {
  return { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' };
}

export function engineInfo(engine: StandInEngine): object {
  return {
    ServerVersion: '20.10.24', DockerRootDir: engine.dir, CgroupVersion: '1', CgroupDriver: 'cgroupfs', NCPU: 2, MemTotal: 8 * 2 ** 30,
    KernelVersion: '6.1.0', OperatingSystem: 'Stand-in', Architecture: 'x86_64', Name: hostname(), Driver: 'overlay2',
  };
}

export function summary(container: StandInContainer): object {
  const { id, name, body, image, status, createdAt } = container;
  return { Id: id, Names: [`/${name}`], Image: body.Image, ImageID: image.id, Command: container.command.join(' '), Created: Number(createdAt / 1_000_000_000n), Labels: body.Labels, State: container.removing && !container.running ? 'removing' : status, Status: status };
}

export function inspected(container: StandInContainer): object {
  const { id, name, body, image, status, running, pid, exitCode, error, oomKilled, createdAt, startedAt, finishedAt, ip } = container;
  const { HostConfig: hostConfig, ...config } = body;
  return {
    Id: id,
    Created: isoNanos(createdAt),
    State: {
      Status: container.removing && !running ? 'removing' : status, Running: running, Paused: false, Restarting: false, OOMKilled: oomKilled, Dead: false, Pid: pid,
      ExitCode: running ? 0 : exitCode, Error: error, StartedAt: isoNanos(startedAt), FinishedAt: isoNanos(finishedAt),
    },
    Image: image.id,
    Name: `/${name}`,
    ResolvConfPath: container.resolvConfPath,
    LogPath: startedAt === 0n ? '' : container.logPath,
    Driver: 'overlay2',
    GraphDriver: { Name: 'overlay2', Data: null },
    HostConfig: hostConfig,
    Config: { Tty: false, ...config, Labels: body.Labels },
    NetworkSettings: { Networks: ip === undefined ? {} : { bridge: { IPAddress: running ? ip : '', GlobalIPv6Address: '' } } },
  };
}
