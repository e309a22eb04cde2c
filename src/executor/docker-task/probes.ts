import type { HealthCheck } from '../../mesos/index.ts';
import type { Container, Probe } from '../../pod/index.ts';
import { wordsOf } from './command.ts';
import type { Draft } from './draft.ts';

/** What a HealthCheck says where it says nothing, seconds and times (Mesos include/mesos/v1/mesos.proto). */
const DEFAULTS = { delay: 15, interval: 10, timeout: 20, failures: 3, grace: 10 };
/** A check without time limit gets this one, seconds. */
const LONGEST_SECONDS = 3600;

/**
 * A health check is two probes: readiness is what `healthy` in the updates says, at once after each result; liveness ends the container after
 * so many failures in a row, which count from the end of the grace period on (Mesos docs/health-checks.md).
 */
export function probesOf(check: HealthCheck | undefined, hostNetwork: boolean, draft: Draft): Pick<Container, 'livenessProbe' | 'readinessProbe'> {
  if (check === undefined) return {};
  const whole = (seconds: number | undefined, otherwise: number, least: number): number => Math.max(least, Math.ceil(seconds ?? otherwise));
  const delay = whole(check.delay_seconds, DEFAULTS.delay, 0);
  const timeout = whole(check.timeout_seconds, DEFAULTS.timeout, 0);
  const probe: Probe = {
    ...handlerOf(check, hostNetwork, draft),
    initialDelaySeconds: delay,
    periodSeconds: whole(check.interval_seconds, DEFAULTS.interval, 1),
    timeoutSeconds: timeout === 0 ? LONGEST_SECONDS : timeout,
    successThreshold: 1,
    failureThreshold: 1,
  };
  const grace = whole(check.grace_period_seconds, DEFAULTS.grace, 0);
  const failureThreshold = whole(check.consecutive_failures, DEFAULTS.failures, 1);
  return { readinessProbe: probe, livenessProbe: { ...probe, initialDelaySeconds: Math.max(delay, grace), failureThreshold } };
}

function handlerOf(check: HealthCheck, hostNetwork: boolean, draft: Draft): Probe {
  const { command, http, tcp } = check;
  // A program in the host's network may listen on the loopback address only.
  const host = hostNetwork ? { host: '127.0.0.1' } : {};
  const type = check.type ?? (command !== undefined ? 'COMMAND' : http !== undefined ? 'HTTP' : tcp !== undefined ? 'TCP' : 'none');
  if ((http?.protocol ?? tcp?.protocol ?? 'IPv4') !== 'IPv4') draft.fault('health_check', 'IPv6 is not supported');
  switch (type) {
    case 'COMMAND':
      return { exec: { command: wordsOf(command, 'health_check.command', draft) } };
    case 'HTTP': {
      const { port = 0, path = '/', scheme = 'http' } = http ?? {};
      if (http === undefined) draft.fault('health_check.http', 'required');
      if (scheme !== 'http' && scheme !== 'https') draft.fault('health_check.http.scheme', `"${scheme.slice(0, 20)}": want http or https`);
      return { httpGet: { port, path: path === '' ? '/' : path, scheme: scheme.toUpperCase(), ...host } };
    }
    case 'TCP':
      if (tcp === undefined) draft.fault('health_check.tcp', 'required');
      return { tcpSocket: { port: tcp?.port ?? 0, ...host } };
    default:
      draft.fault('health_check.type', `${type}: want COMMAND, HTTP or TCP`);
      return {};
  }
}
