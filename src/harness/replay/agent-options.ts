import type { AgentOptions } from '../agent/index.ts';
import { REMOVED } from '../record/index.ts';
import type { Plan } from './plan.ts';

/** The agent that stands in for the recorded one: the same names, durations and habits; addresses and secrets are its own. */
export function agentOptionsFor(plan: Plan, directory: string): AgentOptions {
  const { environment } = plan.header;
  const { framework_info } = plan.subscribed;
  const token = environment.MESOS_EXECUTOR_AUTHENTICATION_TOKEN;
  const capabilities = (framework_info.capabilities ?? []).map(({ type }) => type).filter((type) => typeof type === 'string');
  return {
    subscribed: plan.subscribed,
    capabilities,
    checkpoint: environment.MESOS_CHECKPOINT !== '0' && environment.MESOS_CHECKPOINT !== 'false',
    shutdownGracePeriodMs: plan.shutdownGraceMs,
    ...(environment.MESOS_RECOVERY_TIMEOUT === undefined ? {} : { recoveryTimeout: environment.MESOS_RECOVERY_TIMEOUT }),
    ...(environment.MESOS_SUBSCRIPTION_BACKOFF_MAX === undefined ? {} : { subscriptionBackoffMax: environment.MESOS_SUBSCRIPTION_BACKOFF_MAX }),
    ...(token === undefined ? {} : { authenticationToken: token === REMOVED ? crypto.randomUUID() : token }),
    ...(environment.MESOS_DOMAIN_SOCKET === undefined ? {} : { domainSocket: `${directory}/agent.sock` }),
  };
}
