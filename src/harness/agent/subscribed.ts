import type { EventSubscribed, FrameworkInfoCapabilityType, Resource } from '../../mesos/index.ts';
import type { AgentOptions } from './types.ts';

/** Who the agent says that everybody is. */
export interface Identity {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly agentId: string;
  readonly containerId: string;
  readonly capabilities: readonly FrameworkInfoCapabilityType[];
}

/** What a small agent offers. */
const RESOURCES: readonly Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 2 } },
  { name: 'mem', type: 'SCALAR', scalar: { value: 4096 } },
  { name: 'disk', type: 'SCALAR', scalar: { value: 10_000 } },
  { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 32_000 }] } },
];

/** What the options leave open is drawn. */
export function identityOf(options: AgentOptions): Identity {
  const run = crypto.randomUUID();
  const { subscribed } = options;
  return {
    frameworkId: options.frameworkId ?? subscribed?.framework_info.id?.value ?? `${run}-0000`,
    executorId: options.executorId ?? subscribed?.executor_info.executor_id.value ?? 'executor-1',
    agentId: options.agentId ?? subscribed?.agent_info.id?.value ?? `${run}-S0`,
    containerId: subscribed?.container_id?.value ?? crypto.randomUUID(),
    capabilities: options.capabilities ?? ['MULTI_ROLE', 'PARTITION_AWARE', 'TASK_KILLING_STATE'],
  };
}

/** What SUBSCRIBED carries. */
export function subscribedBy(identity: Identity, options: AgentOptions, port: number): EventSubscribed {
  const frameworkId = { value: identity.frameworkId };
  return {
    executor_info: {
      type: 'CUSTOM',
      executor_id: { value: identity.executorId },
      framework_id: frameworkId,
      command: { shell: true, value: 'km executor', user: 'root' },
      resources: [
        { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 }, allocation_info: { role: '*' } },
        { name: 'mem', type: 'SCALAR', scalar: { value: 64 }, allocation_info: { role: '*' } },
      ],
      name: 'kubernetes',
      ...(options.executorData === undefined ? {} : { data: options.executorData }),
    },
    framework_info: {
      user: 'root',
      name: 'kubernetes',
      id: frameworkId,
      failover_timeout: 0,
      checkpoint: options.checkpoint ?? true,
      roles: ['*'],
      capabilities: identity.capabilities.map((type) => ({ type })),
    },
    agent_info: {
      hostname: options.hostname ?? options.host ?? '127.0.0.1',
      port,
      resources: options.resources ?? RESOURCES,
      id: { value: identity.agentId },
    },
    container_id: { value: identity.containerId },
  };
}
