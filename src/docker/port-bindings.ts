import { hostPorts, type ValidPod } from '../pod/index.ts';
import type { PortBinding } from './create-body.ts';

export interface Ports {
  readonly exposed: Record<string, Record<string, never>>;
  readonly bindings: Record<string, PortBinding[]>;
}

export const NO_PORTS: Ports = { exposed: {}, bindings: {} };

/**
 * Ports of the node that lead to ports of the pod. None with the host's network,
 * where the containers listen on the node themselves.
 */
export function portBindings(pod: ValidPod): Ports {
  const exposed: Ports['exposed'] = {};
  const bindings: Ports['bindings'] = {};
  if (pod.spec.hostNetwork === true) return { exposed, bindings };
  for (const { hostPort, containerPort, protocol, hostIP } of hostPorts(pod)) {
    const port = `${containerPort}/${protocol.toLowerCase()}`;
    exposed[port] = {};
    (bindings[port] ??= []).push({ HostIp: hostIP, HostPort: String(hostPort) });
  }
  return { exposed, bindings };
}
