import type { ValidPod } from './types.ts';

/**
 * The pod's names. `nodename` is what `uname -n` says inside (the FQDN where `setHostnameAsFQDN`). With hostNetwork all are the
 * node's. Throws KmError `workload` when the FQDN is longer than the kernel takes (64).
 */
export function hostnameOf(
  _pod: ValidPod,
  _nodeHostname: string,
  _clusterDomain = 'cluster.local',
): { hostname: string; domain: string; nodename: string } {
  throw new Error('unwritten');
}

export interface DnsGiven {
  /** Content of the node's resolv.conf. */
  readonly nodeResolvConf: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}

export interface DnsConfig {
  /** What goes into the pod's /etc/resolv.conf. */
  readonly content: string;
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
  /** The pod wants the cluster's DNS and there is none: event MissingClusterDNS with this text. */
  readonly missingClusterDns?: string;
  /** Limits were passed and something left out: event DNSConfigForming, one text each. */
  readonly omitted: readonly string[];
}

export function dnsConfig(_pod: ValidPod, _given: DnsGiven): DnsConfig {
  throw new Error('unwritten');
}

/** The pod's /etc/hosts. With hostNetwork it is `nodeHosts` and the aliases. */
export function hostsFile(_pod: ValidPod, _ips: readonly string[], _hostname: string, _domain: string, _nodeHosts?: string): string {
  throw new Error('unwritten');
}
