import type { Faults } from './faults.ts';
import { shown } from './faults.ts';
import { checkIp, checkLabel, checkOneOf, checkQualifiedName, checkRange, checkSubdomain } from './rules.ts';
import { isSidecar } from './sidecar.ts';
import type { Container, PodSpec } from './types.ts';
import { checkContainer } from './validate-container.ts';
import { checkPodSecurity } from './validate-security.ts';
import { checkVolumes } from './validate-volumes.ts';

const MOST_INT32 = 2 ** 31 - 1;

/** Kubernetes v1.20 pkg/apis/core/validation ValidatePodSpec. The spec has its defaults and every field its type. */
export function checkSpec(spec: PodSpec, faults: Faults): void {
  const volumes = checkVolumes(spec.volumes ?? [], 'spec.volumes', faults);
  checkContainers(spec, volumes, faults);
  checkOneOf(spec.restartPolicy ?? '', ['Always', 'OnFailure', 'Never'], 'spec.restartPolicy', faults);
  checkRange(spec.terminationGracePeriodSeconds, 0, MOST_INT32, 'spec.terminationGracePeriodSeconds', faults);
  checkRange(spec.activeDeadlineSeconds, 1, MOST_INT32, 'spec.activeDeadlineSeconds', faults);
  checkDns(spec, faults);
  if ((spec.hostname ?? '') !== '') checkLabel(spec.hostname ?? '', 'spec.hostname', faults);
  if ((spec.subdomain ?? '') !== '') checkLabel(spec.subdomain ?? '', 'spec.subdomain', faults);
  if ((spec.nodeName ?? '') !== '') checkSubdomain(spec.nodeName ?? '', 'spec.nodeName', faults);
  for (const [i, alias] of (spec.hostAliases ?? []).entries()) {
    checkIp(alias.ip ?? '', `spec.hostAliases[${i}].ip`, faults);
    for (const [j, name] of (alias.hostnames ?? []).entries()) checkSubdomain(name, `spec.hostAliases[${i}].hostnames[${j}]`, faults);
  }
  for (const [i, gate] of (spec.readinessGates ?? []).entries()) {
    checkQualifiedName(gate.conditionType ?? '', `spec.readinessGates[${i}].conditionType`, faults);
  }
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    faults.add('spec.shareProcessNamespace', 'must not be set together with hostPID');
  }
  checkSecurityContext(spec, faults);
  checkPodSecurity(spec, faults);
}

function checkContainers(spec: PodSpec, volumes: ReadonlySet<string>, faults: Faults): void {
  const init = spec.initContainers ?? [];
  if (spec.containers.length === 0) faults.add('spec.containers', 'required');
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const each = (containers: readonly Container[], path: string, isInit: boolean): void => {
    for (const [i, container] of containers.entries()) {
      const at = `${path}[${i}]`;
      checkContainer(container, at, { isInit, volumes, hostNetwork: spec.hostNetwork === true, graceSeconds: spec.terminationGracePeriodSeconds ?? 0 }, faults);
      const name = container.name ?? '';
      if (name !== '' && names.has(name)) faults.add(`${at}.name`, `duplicate value: ${shown(name)}`);
      names.add(name);
      // Init containers run one after the other: only their own ports can clash. Sidecars run beside all others.
      checkHostPorts(container, at, isInit && !isSidecar(container) ? new Set() : hostPorts, faults);
    }
  };
  each(spec.containers, 'spec.containers', false);
  each(init, 'spec.initContainers', true);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) checkEphemeral(container, `spec.ephemeralContainers[${i}]`, faults);
  each((spec.ephemeralContainers ?? []).map(withoutForbidden), 'spec.ephemeralContainers', false);
}

/** What only a container that is there from the beginning may have (Kubernetes v1.20 pkg/apis/core/validation allowedEphemeralContainerFields). */
const NOT_FOR_EPHEMERAL = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const;

function checkEphemeral(container: Container, path: string, faults: Faults): void {
  for (const field of NOT_FOR_EPHEMERAL) if (container[field] !== undefined) faults.add(`${path}.${field}`, 'must not be set for ephemeral containers');
  const { limits = {}, requests = {} } = container.resources ?? {};
  if (Object.keys({ ...limits, ...requests }).length > 0) faults.add(`${path}.resources`, 'must not be set for ephemeral containers');
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    if ((mount.subPath ?? '') !== '' || (mount.subPathExpr ?? '') !== '') faults.add(`${path}.volumeMounts[${i}].subPath`, 'must not be set for ephemeral containers');
  }
}

/** The rest is checked as that of any container. */
function withoutForbidden(container: Container): Container {
  const rest = { ...container };
  for (const field of NOT_FOR_EPHEMERAL) delete rest[field];
  return rest;
}

function checkHostPorts(container: Container, path: string, taken: Set<string>, faults: Faults): void {
  for (const [i, port] of (container.ports ?? []).entries()) {
    if ((port.hostPort ?? 0) === 0) continue;
    const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
    if (taken.has(key)) faults.add(`${path}.ports[${i}].hostPort`, `duplicate value: ${shown(key)}`);
    taken.add(key);
  }
}

function checkDns(spec: PodSpec, faults: Faults): void {
  checkOneOf(spec.dnsPolicy ?? '', ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'], 'spec.dnsPolicy', faults);
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const path = 'spec.dnsConfig';
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    faults.add(spec.dnsConfig === undefined ? path : `${path}.nameservers`, 'required: dnsPolicy None needs at least one nameserver');
  }
  if (nameservers.length > 3) faults.add(`${path}.nameservers`, 'must not have more than 3 nameservers');
  for (const [i, address] of nameservers.entries()) checkIp(address, `${path}.nameservers[${i}]`, faults);
  // What newer API servers take (Kubernetes v1.28); beyond what the resolver takes it is cut, and an event says so.
  if (searches.length > 32) faults.add(`${path}.searches`, 'must not have more than 32 search paths');
  if (searches.join(' ').length > 2048) faults.add(`${path}.searches`, 'must not have more than 2048 characters (including spaces)');
  for (const [i, search] of searches.entries()) if (search !== '.') checkSubdomain(search.replace(/\.$/, ''), `${path}.searches[${i}]`, faults);
  for (const [i, option] of options.entries()) {
    if ((option.name ?? '') === '') faults.add(`${path}.options[${i}].name`, 'required');
    else if (/\s/.test(`${option.name}${option.value ?? ''}`)) faults.add(`${path}.options[${i}]`, 'must not contain white space');
  }
}

function checkSecurityContext(spec: PodSpec, faults: Faults): void {
  const path = 'spec.securityContext';
  const { runAsUser, runAsGroup, fsGroup, fsGroupChangePolicy, supplementalGroups = [] } = spec.securityContext ?? {};
  checkRange(runAsUser, 0, MOST_INT32, `${path}.runAsUser`, faults);
  checkRange(runAsGroup, 0, MOST_INT32, `${path}.runAsGroup`, faults);
  checkRange(fsGroup, 0, MOST_INT32, `${path}.fsGroup`, faults);
  if (fsGroupChangePolicy !== undefined) checkOneOf(fsGroupChangePolicy, ['Always', 'OnRootMismatch'], `${path}.fsGroupChangePolicy`, faults);
  for (const [i, group] of supplementalGroups.entries()) checkRange(group, 0, MOST_INT32, `${path}.supplementalGroups[${i}]`, faults);
}
