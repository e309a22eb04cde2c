import { shown, type Faults } from './faults.ts';
import { checkIp, checkLabel, checkOneOf, checkPortName, checkPortNumber } from './rules.ts';
import { isSidecar } from './sidecar.ts';
import type { Container } from './types.ts';
import { checkEnvironment } from './validate-env.ts';
import { checkLifecycle, checkProbe } from './validate-probe.ts';
import { checkResources } from './validate-resources.ts';
import { checkContainerSecurity } from './validate-security.ts';
import { checkVolumeMounts } from './validate-volumes.ts';

export interface ContainerContext {
  readonly isInit: boolean;
  /** Names of the pod's volumes. */
  readonly volumes: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** The pod's `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number;
}

/** Kubernetes v1.20 pkg/apis/core/validation validateContainers, validateInitContainers; sidecars as v1.33 has them. */
export function checkContainer(container: Container, path: string, context: ContainerContext, faults: Faults): void {
  const { name = '', image = '' } = container;
  if (name === '') faults.add(`${path}.name`, 'required');
  else checkLabel(name, `${path}.name`, faults);
  if (image === '') faults.add(`${path}.image`, 'required');
  else if (image.trim() !== image) faults.add(`${path}.image`, 'must not have leading or trailing whitespace');
  checkOneOf(container.imagePullPolicy ?? '', ['Always', 'IfNotPresent', 'Never'], `${path}.imagePullPolicy`, faults);
  checkOneOf(container.terminationMessagePolicy ?? '', ['File', 'FallbackToLogsOnError'], `${path}.terminationMessagePolicy`, faults);
  checkPorts(container, path, context.hostNetwork, faults);
  checkEnvironment(container, path, faults);
  checkResources(container.resources ?? {}, `${path}.resources`, faults);
  checkVolumeMounts(container, context.volumes, path, faults);
  checkContainerSecurity(container, `${path}.securityContext`, faults);

  const watched = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
  if (context.isInit) checkOneOf(container.restartPolicy ?? '', ['', 'Always'], `${path}.restartPolicy`, faults);
  if (context.isInit && !isSidecar(container)) {
    for (const field of ['lifecycle', ...watched] as const) {
      if (container[field] !== undefined) faults.add(`${path}.${field}`, 'must not be set for init containers without restartPolicy Always');
    }
    return;
  }
  if (container.lifecycle !== undefined) checkLifecycle(container, `${path}.lifecycle`, context.graceSeconds, faults);
  for (const field of watched) {
    const probe = container[field];
    if (probe !== undefined) checkProbe(probe, `${path}.${field}`, field !== 'readinessProbe', faults);
  }
}

function checkPorts(container: Container, path: string, hostNetwork: boolean, faults: Faults): void {
  const names = new Set<string>();
  for (const [i, port] of (container.ports ?? []).entries()) {
    const at = `${path}.ports[${i}]`;
    const { name = '', containerPort = 0, hostPort = 0, hostIP = '' } = port;
    if (name !== '') {
      checkPortName(name, `${at}.name`, faults);
      if (names.has(name)) faults.add(`${at}.name`, `duplicate value: ${shown(name)}`);
      names.add(name);
    }
    if (containerPort === 0) faults.add(`${at}.containerPort`, 'required');
    else checkPortNumber(containerPort, `${at}.containerPort`, faults);
    if (hostPort !== 0) checkPortNumber(hostPort, `${at}.hostPort`, faults);
    if (hostIP !== '') checkIp(hostIP, `${at}.hostIP`, faults);
    checkOneOf(port.protocol ?? '', ['TCP', 'UDP', 'SCTP'], `${at}.protocol`, faults);
    if (hostNetwork && hostPort !== containerPort) faults.add(`${at}.hostPort`, "must match containerPort with the host's network");
  }
}
