import { sysctlNamespace } from '../base/index.ts';
import type { Faults } from './faults.ts';
import { shown } from './faults.ts';
import type { PodSpec } from './types.ts';

/**
 * What no pod can harm its neighbours with. Kubernetes v1.20 pkg/security/podsecuritypolicy/sysctl, and what v1.32
 * pkg/kubelet/sysctl/safe_sysctls.go has beside.
 */
const SAFE: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

const LONGEST = 253;
const SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const FORM = new RegExp(`^(${SEGMENT}[./])*${SEGMENT}$`);

/** A name with slashes, as the kernel's files have it, in the form with dots (`net/ipv4/conf/eth0.1/x` keeps its interface's dot as a slash). */
export function sysctlName(name: string): string {
  const separator = name.search(/[./]/);
  if (separator < 0 || name[separator] === '.') return name;
  return name.replace(/[./]/g, (one) => (one === '/' ? '.' : '/'));
}

/** Kubernetes v1.20 pkg/apis/core/validation validateSysctls; slashes since v1.22. */
export function checkSysctls(sysctls: NonNullable<NonNullable<PodSpec['securityContext']>['sysctls']>, path: string, faults: Faults): void {
  const names = new Set<string>();
  for (const [i, { name = '' }] of sysctls.entries()) {
    const field = `${path}[${i}].name`;
    if (name === '') faults.add(field, 'required');
    else if (name.length > LONGEST || !FORM.test(name)) faults.add(field, `${shown(name)} is not the name of a sysctl: want one like net.ipv4.tcp_syncookies`);
    else if (names.has(name)) faults.add(field, `duplicate value: ${shown(name)}`);
    names.add(name);
  }
}

/**
 * Why a pod may not have a sysctl, in the kubelet's words; undefined when it may. `allowed` are names and beginnings with `*`, beside those
 * that are safe. Kubernetes v1.20 pkg/kubelet/sysctl/whitelist.go.
 */
export function sysctlForbidden(given: string, { hostNetwork, hostIPC }: Pick<PodSpec, 'hostNetwork' | 'hostIPC'>, allowed: readonly string[]): string | undefined {
  const name = sysctlName(given);
  const isAllowed = SAFE.has(name) || allowed.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
  if (!isAllowed) return `${JSON.stringify(name)} not whitelisted`;
  const namespace = sysctlNamespace(name);
  const shared = (namespace === 'ipc' && hostIPC === true) || (namespace === 'net' && hostNetwork === true);
  return shared ? `${JSON.stringify(name)} not allowed with host ${namespace} enabled` : undefined;
}
