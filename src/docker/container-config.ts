import { KmError } from '../base/index.ts';
import type { ContainerMount, ValidPod } from '../pod/index.ts';
import { HEALTHCHECK_OFF, logConfig, SHM_BYTES, type ContainerConfig } from './create-body.ts';
import type { ContainerInput } from './inputs.ts';
import { containerLabels } from './labels.ts';
import { containerName } from './names.ts';
import { containerSecurity } from './security-options.ts';

/**
 * The Engine's settings for one container of a pod (Kubernetes v1.20 pkg/kubelet/dockershim/docker_container.go, security_context.go).
 * Throws code `workload` for paths that the Engine cannot be told.
 */
export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, container, resources, sandboxId } = input;
  const memory = Number(resources.memoryBytes ?? 0n);
  const { user, GroupAdd = [], ...security } = containerSecurity(pod, container, input.image.user, input.seccomp);
  const groups = [...new Set([...GroupAdd, ...(input.groups ?? []).map(String)])];
  const joined = `container:${sandboxId}`;
  return {
    name: containerName(pod, container.name, input.attempt),
    Image: input.image.from,
    Labels: containerLabels(input),
    ...(user !== '' && { User: user }),
    ...(input.command !== undefined && input.command.length > 0 && { Entrypoint: [...input.command] }),
    ...(input.args !== undefined && input.args.length > 0 && { Cmd: [...input.args] }),
    Env: [...input.env],
    ...(container.workingDir !== undefined && container.workingDir !== '' && { WorkingDir: container.workingDir }),
    Tty: container.tty === true,
    OpenStdin: container.stdin === true,
    StdinOnce: container.stdinOnce === true,
    Healthcheck: HEALTHCHECK_OFF,
    HostConfig: {
      RestartPolicy: { Name: 'no' },
      LogConfig: logConfig(input.logLimit),
      NetworkMode: joined,
      // The sandbox of a pod with hostIPC has the host's IPC namespace, so that joining it is right in both cases.
      IpcMode: joined,
      ...pidMode(pod, joined, input.pidTarget),
      ...(pod.spec.hostNetwork === true && { UTSMode: 'host' }),
      Binds: input.mounts.map(bind),
      OomScoreAdj: input.oomScoreAdj,
      CpuShares: resources.cpuShares,
      ...(resources.cpuQuota !== undefined && { CpuQuota: resources.cpuQuota }),
      ...(resources.cpuPeriod !== undefined && { CpuPeriod: resources.cpuPeriod }),
      Memory: memory,
      // The same value: no swap.
      MemorySwap: memory,
      ShmSize: SHM_BYTES,
      ...security,
      GroupAdd: groups,
    },
  };
}

function pidMode(pod: ValidPod, joined: string, target: string | undefined): { PidMode?: string } {
  if (target !== undefined) return { PidMode: `container:${target}` };
  if (pod.spec.hostPID === true) return { PidMode: 'host' };
  return pod.spec.shareProcessNamespace === true ? { PidMode: joined } : {};
}

/** `/on/the/node:/in/the/container[:ro,rslave]`, as `docker run -v` takes it. Throws code `workload` for a path with a colon. */
function bind(mount: ContainerMount): string {
  for (const path of [mount.hostPath, mount.containerPath]) {
    if (path.includes(':')) throw new KmError('workload', `cannot mount "${path}": Docker takes no path with a colon`);
  }
  const modes = [...(mount.readOnly ? ['ro'] : []), ...(mount.propagation === 'private' ? [] : [mount.propagation])];
  return [mount.hostPath, mount.containerPath, ...(modes.length > 0 ? [modes.join(',')] : [])].join(':');
}
