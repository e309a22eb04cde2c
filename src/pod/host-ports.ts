import { lastingContainers } from './sidecar.ts';
import type { ValidPod } from './types.ts';

/** A port of the node that leads to a port of a pod. */
export interface HostPort {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** Empty: every address of the node. */
  readonly hostIP: string;
}

const EVERY_ADDRESS = '0.0.0.0';

/** The ports of the node that the pod's sidecars and containers name; with the host's network those that they listen on. */
export function hostPorts({ spec }: ValidPod): HostPort[] {
  return lastingContainers(spec)
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostPort = 0, containerPort, hostIP = '', protocol = 'TCP' }) => ({ hostPort, containerPort, protocol: protocol as HostPort['protocol'], hostIP }));
}

/**
 * Whether a port of the node that the pod wants is another pod's: the same protocol and number, at the same address, or either at all addresses.
 * Kubernetes v1.20 pkg/scheduler/framework/types.go HostPortInfo: `::` is an address like others there.
 */
export function hostPortTaken(pod: ValidPod, others: readonly ValidPod[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const taken = others.flatMap(hostPorts);
  return wanted.some((one) => taken.some((other) => clash(one, other)));
}

function clash(a: HostPort, b: HostPort): boolean {
  const [atA, atB] = [a.hostIP || EVERY_ADDRESS, b.hostIP || EVERY_ADDRESS];
  return a.hostPort === b.hostPort && a.protocol === b.protocol && (atA === atB || atA === EVERY_ADDRESS || atB === EVERY_ADDRESS);
}
