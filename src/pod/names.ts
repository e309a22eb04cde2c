import { KmError } from '../base/index.ts';
import type { ValidPod } from './types.ts';

/** What fits a kernel's nodename. */
const LONGEST_HOSTNAME = 63;
const LONGEST_FQDN = 64;

export interface PodHostname {
  readonly hostname: string;
  /** Empty without a subdomain. */
  readonly domain: string;
  /** What `uname -n` says inside: the FQDN where `setHostnameAsFQDN`. */
  readonly nodename: string;
}

/**
 * The pod's names. With hostNetwork they are the node's. Throws KmError `workload` when the FQDN is longer than the kernel takes.
 * Kubernetes v1.20 pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain, pkg/kubelet/util GetNodenameForKernel.
 */
export function hostnameOf(pod: ValidPod, nodeHostname: string, clusterDomain = 'cluster.local'): PodHostname {
  const { spec, metadata } = pod;
  if (spec.hostNetwork === true) return { hostname: nodeHostname, domain: '', nodename: nodeHostname };
  const wanted = spec.hostname === undefined || spec.hostname === '' ? metadata.name : spec.hostname;
  const hostname = wanted.slice(0, LONGEST_HOSTNAME).replace(/[-.]+$/, '');
  const subdomain = spec.subdomain ?? '';
  const domain = subdomain === '' ? '' : `${subdomain}.${metadata.namespace}.svc.${clusterDomain}`;
  if (domain === '' || spec.setHostnameAsFQDN !== true) return { hostname, domain, nodename: hostname };
  const fqdn = `${hostname}.${domain}`;
  if (fqdn.length > LONGEST_FQDN) {
    const limit = `${LONGEST_FQDN} characters is the max, ${fqdn.length} characters requested`;
    throw new KmError('workload', `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${limit})`);
  }
  return { hostname, domain, nodename: fqdn };
}

const LOCAL_ENTRIES = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/**
 * The pod's /etc/hosts. With hostNetwork it is `nodeHosts` (the node's own file) and the aliases.
 * Kubernetes v1.20 pkg/kubelet/kubelet_pods.go ensureHostsFile.
 */
export function hostsFile(pod: ValidPod, ips: readonly string[], hostname: string, domain: string, nodeHosts?: string): string {
  const aliases = pod.spec.hostAliases ?? [];
  const aliasLines =
    aliases.length === 0
      ? ''
      : `\n# Entries added by HostAliases.\n${aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join('\t')}\n`).join('')}`;
  if (pod.spec.hostNetwork === true) return `# Kubernetes-managed hosts file (host network).\n${nodeHosts ?? ''}${aliasLines}`;
  const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`;
  const lines = [...LOCAL_ENTRIES, ...ips.map((ip) => `${ip}\t${names}`)];
  return `# Kubernetes-managed hosts file.\n${lines.join('\n')}\n${aliasLines}`;
}
