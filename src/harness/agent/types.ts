import type { Clock } from '../../base/index.ts';
import type { Call, ContentType, EventSubscribed, FrameworkInfoCapabilityType, Resource, TaskStatus } from '../../mesos/index.ts';
import type { Logger } from '../../telemetry/index.ts';

/** How an emulated agent comes up. Everything has a default; durations are milliseconds where the name says so. */
export interface AgentOptions {
  readonly frameworkId?: string;
  readonly executorId?: string;
  readonly agentId?: string;
  /** What SUBSCRIBED says as the agent's hostname; the listening address unless told. */
  readonly hostname?: string;
  /** Address to listen on; loopback unless told. */
  readonly host?: string;
  /** Port to listen on; a free one unless told, and the same again after `startListening`. */
  readonly port?: number;
  /** The agent's resources; 2 cpus, 4096 MB mem, 10000 MB disk and ports 31000-32000 unless told. */
  readonly resources?: readonly Resource[];
  /** The framework's capabilities; MULTI_ROLE, PARTITION_AWARE and TASK_KILLING_STATE unless told. */
  readonly capabilities?: readonly FrameworkInfoCapabilityType[];
  /** Whether the framework checkpoints (`MESOS_CHECKPOINT`); true unless told. */
  readonly checkpoint?: boolean;
  /** `MESOS_RECOVERY_TIMEOUT`, a Mesos duration; `15mins` unless told. */
  readonly recoveryTimeout?: string;
  /** `MESOS_SUBSCRIPTION_BACKOFF_MAX`, a Mesos duration; `2secs` unless told. */
  readonly subscriptionBackoffMax?: string;
  /** `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`; 5,000 unless told. */
  readonly shutdownGracePeriodMs?: number;
  /** When set, every call needs `Authorization: Bearer <it>`; a JWT or anything else. */
  readonly authenticationToken?: string;
  /** Path of a domain socket to listen on too. */
  readonly domainSocket?: string;
  /** PEM texts: the agent speaks TLS on its port. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Whether updates are acknowledged; `setAcknowledge` changes it. True unless told. */
  readonly acknowledge?: boolean;
  /** Distance of HEARTBEAT events; 30 min unless told, as agents have it. */
  readonly heartbeatMs?: number;
  /** `ExecutorInfo.data`. */
  readonly executorData?: Uint8Array;
  /** Replaces all of what SUBSCRIBED carries: a recorded one. */
  readonly subscribed?: EventSubscribed;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** How an agent that was killed comes back. */
export interface RestartOptions {
  /** How many requests get 404 because the routes are not set up yet; 1 unless told. */
  readonly notFound?: number;
  /** How long after that everything gets 503 "Agent has not finished recovery", counted from `startListening`; 0 ms unless told. */
  readonly recoveringMs?: number;
  /** How long after the first new subscription updates and messages still get 503; 0 ms unless told. */
  readonly updatesRefusedMs?: number;
}

/** One update as the agent has it. */
export interface UpdateRecord {
  readonly status: TaskStatus;
  /** Name of the state; `state 99` for one without a name. */
  readonly state: string;
  /** When it came first; wall clock, milliseconds since the epoch. */
  readonly at: number;
  /** UUID as text; empty where the agent reported it. */
  readonly uuid: string;
  readonly acknowledged: boolean;
  /** How often it came: again after a lost answer, or within a SUBSCRIBE. */
  readonly deliveries: number;
  /** `agent` where the agent itself reported it (executor gone, task dropped, killed before it was sent). */
  readonly from: 'executor' | 'agent';
}

/** What the agent knows of one task, in the order in which it happened. */
export interface TaskRecord {
  readonly taskId: string;
  readonly updates: readonly UpdateRecord[];
  /** States in order, one for each distinct update. */
  readonly states: readonly string[];
  /** The newest state; undefined while nobody has said anything about the task. */
  readonly latest: string | undefined;
  /** True from the first terminal update on. */
  readonly terminal: boolean;
  /** False for a task that only the executor spoke of: the agent never launched it. */
  readonly launched: boolean;
}

export interface ConnectionEvent {
  /**
   * `subscribed`: a new event stream stands; `replaced`: an older one ended because of it; `lost`: the stream broke;
   * `down` and `recovering`, `recovered`: the agent was killed, came back, and takes calls again.
   */
  readonly what: 'subscribed' | 'replaced' | 'lost' | 'down' | 'recovering' | 'recovered';
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
}

/** One request and the agent's answer. */
export interface CallEvent {
  /** Absent where the request was no valid call. */
  readonly call: Call | undefined;
  readonly contentType: ContentType | undefined;
  readonly status: number;
  readonly body: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly at: number;
}
