import type { Faults } from './faults.ts';
import { checkHeaderName, checkOneOf, checkPortName, checkPortNumber, checkRange } from './rules.ts';
import type { Container, Handler, Probe } from './types.ts';

const MOST_INT32 = 2 ** 31 - 1;

/** Kubernetes v1.20 pkg/apis/core/validation validateProbe; `once`: one success must be enough (liveness, startup). */
export function checkProbe(probe: Probe, path: string, once: boolean, faults: Faults): void {
  checkHandler(probe, path, faults);
  if (probe.grpc !== undefined) checkPortNumber(probe.grpc.port ?? 0, `${path}.grpc.port`, faults);
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    checkRange(probe[field], 0, MOST_INT32, `${path}.${field}`, faults);
  }
  if (once && probe.successThreshold !== 1) faults.add(`${path}.successThreshold`, 'must be 1');
  const grace = `${path}.terminationGracePeriodSeconds`;
  if (once) checkRange(probe.terminationGracePeriodSeconds, 1, MOST_INT32, grace, faults);
  else if (probe.terminationGracePeriodSeconds !== undefined) faults.add(grace, 'must not be set for readiness probes');
}

/** `graceSeconds`: the pod's, beyond which no hook may sleep (Kubernetes v1.33 validateSleepAction). */
export function checkLifecycle(container: Container, path: string, graceSeconds: number, faults: Faults): void {
  for (const when of ['postStart', 'preStop'] as const) {
    const hook = container.lifecycle?.[when];
    if (hook === undefined) continue;
    checkHandler(hook, `${path}.${when}`, faults);
    const seconds = hook.sleep?.seconds ?? 0;
    if (seconds < 0 || seconds > graceSeconds) faults.add(`${path}.${when}.sleep.seconds`, `${seconds}: must be between 0 and the pod's terminationGracePeriodSeconds (${graceSeconds})`);
  }
}

type AnyHandler = Pick<Handler, 'exec' | 'httpGet' | 'tcpSocket' | 'sleep'> & Pick<Probe, 'grpc'>;

function checkHandler(handler: AnyHandler, path: string, faults: Faults): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const count = [exec, httpGet, tcpSocket, grpc, sleep].filter((h) => h !== undefined).length;
  if (count === 0) faults.add(path, 'required: must specify a handler type');
  if (count > 1) faults.add(path, 'may not specify more than 1 handler type');
  if (exec !== undefined && (exec.command ?? []).length === 0) faults.add(`${path}.exec.command`, 'required');
  if (tcpSocket !== undefined) checkPort(tcpSocket.port, `${path}.tcpSocket.port`, faults);
  if (httpGet === undefined) return;
  checkPort(httpGet.port, `${path}.httpGet.port`, faults);
  checkOneOf(httpGet.scheme ?? '', ['HTTP', 'HTTPS'], `${path}.httpGet.scheme`, faults);
  for (const [i, header] of (httpGet.httpHeaders ?? []).entries()) {
    checkHeaderName(header.name ?? '', `${path}.httpGet.httpHeaders[${i}].name`, faults);
    if (/[\r\n\0]/.test(header.value ?? '')) faults.add(`${path}.httpGet.httpHeaders[${i}].value`, 'must be one line');
  }
}

/** A number or a name. That the container has a port of that name is for the probe to find out, as in Kubernetes, whose API takes such a pod. */
function checkPort(port: string | number | undefined, field: string, faults: Faults): void {
  if (port === undefined || port === '') return faults.add(field, 'required');
  if (typeof port === 'number') return checkPortNumber(port, field, faults);
  if (/^\d+$/.test(port)) return checkPortNumber(Number(port), field, faults);
  checkPortName(port, field, faults);
}
