/** What goes into an executor's environment beside its own command's. */
export interface EnvironmentOf {
  readonly frameworkId: string;
  readonly executorId: string;
  readonly agentId: string;
  /** Address and port of the agent. */
  readonly host: string;
  readonly port: number;
  readonly checkpoint: boolean;
  readonly recoveryTimeout: string;
  readonly subscriptionBackoffMax: string;
  readonly shutdownGracePeriodMs: number;
  readonly authenticationToken: string | undefined;
  readonly domainSocket: string | undefined;
}

/** The environment that a Mesos agent gives an executor (Mesos src/slave/slave.cpp, executorEnvironment). */
export function executorEnvironment(of: EnvironmentOf, sandbox: string): Record<string, string> {
  return {
    LIBPROCESS_IP: of.host,
    LIBPROCESS_PORT: '0',
    MESOS_AGENT_ENDPOINT: `${of.host}:${of.port}`,
    MESOS_CHECKPOINT: of.checkpoint ? '1' : '0',
    MESOS_DIRECTORY: sandbox,
    MESOS_EXECUTOR_ID: of.executorId,
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: mesosDuration(of.shutdownGracePeriodMs),
    MESOS_FRAMEWORK_ID: of.frameworkId,
    MESOS_HTTP_COMMAND_EXECUTOR: '1',
    MESOS_SANDBOX: sandbox,
    MESOS_SLAVE_ID: of.agentId,
    MESOS_SLAVE_PID: `slave(1)@${of.host}:${of.port}`,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    PWD: sandbox,
    ...(of.checkpoint ? { MESOS_RECOVERY_TIMEOUT: of.recoveryTimeout, MESOS_SUBSCRIPTION_BACKOFF_MAX: of.subscriptionBackoffMax } : {}),
    ...(of.authenticationToken === undefined ? {} : { MESOS_EXECUTOR_AUTHENTICATION_TOKEN: of.authenticationToken }),
    ...(of.domainSocket === undefined ? {} : { MESOS_DOMAIN_SOCKET: of.domainSocket }),
  };
}

/** Milliseconds as a Mesos duration. */
function mesosDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}secs` : `${ms}ms`;
}
