import { sysctlName } from '../pod/index.ts';
import { HEALTHCHECK_OFF, logConfig, SHM_BYTES, type ContainerConfig } from './create-body.ts';
import type { SandboxInput } from './inputs.ts';
import { sandboxLabels } from './labels.ts';
import { sandboxName } from './names.ts';
import { NO_PORTS, portBindings } from './port-bindings.ts';
import { sandboxSecurity } from './security-options.ts';

/** Shares of CPU of a process that only waits (Kubernetes v1.20 pkg/kubelet/dockershim/docker_sandbox.go). */
const SANDBOX_CPU_SHARES = 2;

/** It writes nothing. */
const SANDBOX_LOG = { maxBytes: 2 ** 20, maxFiles: 1 };

/** What a sandbox's oom_score_adj is where the host allows it; see `clampOomScore`. */
export const SANDBOX_OOM_SCORE_ADJ = -998;

/** The Engine's settings for a pod's sandbox: it holds the namespaces, ports and sysctls that the pod's containers share. */
export function sandboxConfig(input: SandboxInput): ContainerConfig {
  const { pod, dns } = input;
  const hostNetwork = pod.spec.hostNetwork === true;
  const { user, ...security } = sandboxSecurity(pod);
  const withoutNetwork = !hostNetwork && input.withoutNetwork === true;
  const ports = withoutNetwork ? NO_PORTS : portBindings(pod);
  const sysctls = pod.spec.securityContext?.sysctls ?? [];
  return {
    name: sandboxName(pod, input.attempt),
    Image: input.image,
    Labels: sandboxLabels(input),
    ...(!hostNetwork && { Hostname: input.hostname }),
    ...(user !== '' && { User: user }),
    ExposedPorts: ports.exposed,
    Healthcheck: HEALTHCHECK_OFF,
    HostConfig: {
      RestartPolicy: { Name: 'no' },
      LogConfig: logConfig(SANDBOX_LOG),
      NetworkMode: hostNetwork ? 'host' : withoutNetwork ? 'none' : 'default',
      IpcMode: pod.spec.hostIPC === true ? 'host' : 'shareable',
      ...(pod.spec.hostPID === true && { PidMode: 'host' }),
      PortBindings: ports.bindings,
      ...(dns !== undefined && { Dns: [...dns.nameservers], DnsSearch: [...dns.searches], DnsOptions: [...dns.options] }),
      Sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [sysctlName(name), value])),
      OomScoreAdj: input.oomScoreAdj,
      CpuShares: SANDBOX_CPU_SHARES,
      ShmSize: SHM_BYTES,
      ...security,
    },
  };
}
