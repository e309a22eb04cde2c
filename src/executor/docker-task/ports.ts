import type { TaskInfo } from '../../mesos/index.ts';
import type { Container, EnvVar } from '../../pod/index.ts';
import type { Draft } from './draft.ts';

type Ports = NonNullable<Container['ports']>;

/** Beyond it nobody means single ports. */
const MOST_PORTS = 1000;

/** The port mappings of a bridge network, and the task's ports as variables: PORT0, PORT1, ..., PORTS, and PORT for the first. */
export function portsOf({ container, resources = [] }: TaskInfo, draft: Draft): { readonly ports: Ports; readonly environment: readonly EnvVar[] } {
  const ranges = resources.filter(({ name }) => name === 'ports').flatMap(({ ranges: value }) => value?.range ?? []).map(({ begin, end }) => ({ begin: Number(begin), end: Number(end) }));
  const mappings = container?.docker?.port_mappings ?? [];
  const field = 'container.docker.port_mappings';
  if (mappings.length > 0 && container?.docker?.network !== 'BRIDGE') draft.fault(field, 'only with network BRIDGE');
  const ports = mappings.map(({ container_port: containerPort, host_port: hostPort, protocol = 'tcp' }, i) => {
    if (!ranges.some(({ begin, end }) => hostPort >= begin && hostPort <= end)) draft.fault(`${field}[${i}].host_port`, `${hostPort} is not among the task's resources`);
    if (!/^(tcp|udp)$/i.test(protocol)) draft.fault(`${field}[${i}].protocol`, `"${protocol.slice(0, 20)}": want tcp or udp`);
    return { containerPort, hostPort, protocol: protocol.toUpperCase() };
  });
  const own = ranges.flatMap(({ begin, end }) => Array.from({ length: Math.max(0, Math.min(end - begin + 1, MOST_PORTS)) }, (_none, i) => begin + i)).slice(0, MOST_PORTS).map(String);
  const environment = own.map((value, i) => ({ name: `PORT${i}`, value }));
  return { ports, environment: own[0] === undefined ? [] : [...environment, { name: 'PORT', value: own[0] }, { name: 'PORTS', value: own.join(',') }] };
}
