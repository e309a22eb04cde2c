import { vi } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/index.ts';
import { AgentConnection, Ledger, mesosEnvironment, type AgentConnectionOptions, type Event, type LedgerEntry, type TaskReport } from '../../../src/mesos/index.ts';
import type { LogFields, Logger } from '../../../src/telemetry/index.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at = (level: string) => (message: string, fields: LogFields = {}) => void lines.push({ level, message, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => recordingLogger(lines), setLevel: () => undefined };
}

/** A connection with everything that a test wants to look at. */
export interface Connected {
  readonly connection: AgentConnection;
  readonly ledger: Ledger;
  readonly journal: LedgerEntry[];
  readonly events: Event[];
  readonly log: LogLine[];
  readonly seen: { subscribed: number; disconnected: number; lost: string[] };
}

/** Connects to the agent at `port`; LAUNCH adds the task to the ledger, as the executor does. */
export function connect(port: number, options: { env?: Record<string, string>; clock?: Clock; ledger?: Ledger; onEvent?: (event: Event, me: Connected) => void | Promise<void> } & Partial<Omit<AgentConnectionOptions, 'onEvent'>> = {}): Connected {
  const { env, clock = systemClock, onEvent, ...rest } = options;
  const environment = mesosEnvironment({
    MESOS_AGENT_ENDPOINT: `127.0.0.1:${port}`,
    MESOS_FRAMEWORK_ID: 'framework-1',
    MESOS_EXECUTOR_ID: 'exec-1',
    MESOS_SLAVE_ID: 'agent-1',
    MESOS_DIRECTORY: '/sandbox',
    MESOS_CHECKPOINT: '1',
    ...env,
  });
  const journal: LedgerEntry[] = [];
  const ledger = options.ledger ?? new Ledger({ executorId: 'exec-1', record: (entry) => void journal.push(entry), clock });
  const log: LogLine[] = [];
  const seen = { subscribed: 0, disconnected: 0, lost: [] as string[] };
  const events: Event[] = [];
  const me: Connected = {
    ledger,
    journal,
    events,
    log,
    seen,
    connection: new AgentConnection({
      environment,
      contentType: 'application/x-protobuf',
      logger: recordingLogger(log),
      clock,
      onSubscribed: () => void (seen.subscribed += 1),
      onDisconnected: () => void (seen.disconnected += 1),
      onLost: (reason) => void seen.lost.push(reason),
      ...rest,
      ledger,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'LAUNCH') ledger.addTask(event.launch.task);
        return onEvent?.(event, me);
      },
    }),
  };
  me.connection.start();
  return me;
}

/** Waits for what a test expects to come true; no test sleeps for a fixed time. */
export function eventually(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 2 });
}

export function report(taskId: string, state: TaskReport['state']): TaskReport {
  return { task_id: { value: taskId }, state };
}
