import type { RecordingEntry } from './recording.ts';

/** Written in place of a secret. */
export const REMOVED = '[removed]';

/** What the agent must have put into the executor's environment, as far as their conversation tells. */
export function derivedEnvironment(entries: readonly RecordingEntry[], endpoint: string, withToken: boolean): Record<string, string> {
  const events = entries.flatMap((entry) => (entry.kind === 'event' ? [entry.event] : []));
  const subscribed = events.find((event) => event.type === 'SUBSCRIBED')?.subscribed;
  const call = entries.flatMap((entry) => (entry.kind === 'call' && entry.call !== undefined ? [entry.call] : []))[0];
  const grace = subscribed?.executor_info.shutdown_grace_period?.nanoseconds;
  const checkpoint = subscribed?.framework_info.checkpoint ?? true;
  const agentId = subscribed?.agent_info.id?.value;
  return {
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_CHECKPOINT: checkpoint ? '1' : '0',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: grace === undefined ? '5secs' : `${Number(grace) / 1e9}secs`,
    ...(call === undefined ? {} : { MESOS_EXECUTOR_ID: call.executor_id.value, MESOS_FRAMEWORK_ID: call.framework_id.value }),
    ...(agentId === undefined ? {} : { MESOS_SLAVE_ID: agentId }),
    ...(checkpoint ? { MESOS_RECOVERY_TIMEOUT: '15mins', MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs' } : {}),
    ...(withToken ? { MESOS_EXECUTOR_AUTHENTICATION_TOKEN: REMOVED } : {}),
  };
}
