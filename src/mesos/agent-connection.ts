import type { Clock } from '../base/index.ts';
import type { Logger } from '../telemetry/index.ts';
import type { ContentType } from './codec.ts';
import type { MesosEnvironment } from './environment.ts';
import type { Ledger, TaskReport, TaskUpdate } from './ledger.ts';
import type { CallBody, Event } from './messages.ts';

export interface AgentConnectionOptions {
  readonly environment: MesosEnvironment;
  readonly contentType: ContentType;
  readonly ledger: Ledger;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Strictly in order, one after the other: the next event waits for the promise. HEARTBEAT is not handed over; ACKNOWLEDGED is in the ledger already. */
  readonly onEvent: (event: Event) => void | Promise<void>;
  readonly onSubscribed?: () => void;
  readonly onDisconnected?: () => void;
  /** Once: the agent was away longer than the recovery timeout, or is gone and nothing is checkpointed. */
  readonly onLost: (reason: string) => void;
  /** Most bytes of one event, 64 MiB unless told. */
  readonly recordLimitBytes?: number;
}

export declare class AgentConnection {
  constructor(options: AgentConnectionOptions);
  start(): void;
  /** Queued; goes out in order on the second connection. Updates are better sent with `update`. */
  send(call: CallBody): void;
  /** Records the update and sends it until it is acknowledged. Undefined when the ledger refuses it. */
  update(report: TaskReport): TaskUpdate | undefined;
  message(data: Uint8Array): void;
  heartbeat(): void;
  /** True when all updates are acknowledged; false when the time (milliseconds) is over. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Closes both connections; no handle is left when it resolves. */
  stop(): Promise<void>;
}
