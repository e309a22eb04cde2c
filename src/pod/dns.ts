import type { ValidPod } from './types.ts';

export interface DnsGiven {
  /** Content of the node's resolv.conf; absent: the node is to have none (`--resolv-conf=`). */
  readonly nodeResolvConf?: string | undefined;
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

/** What the C library's resolver takes (Kubernetes v1.20 validation MaxDNSNameservers, MaxDNSSearchPaths, MaxDNSSearchListChars). */
const MOST_NAMESERVERS = 3;
const MOST_SEARCHES = 6;
const LONGEST_SEARCH_LINE = 256;
const CLUSTER_OPTIONS = ['ndots:5'];

interface Resolver {
  nameservers: string[];
  searches: string[];
  options: string[];
}

/** What disables look-ups: the resolver would ask the local machine if it had no server, and this says so. */
const NO_LOOKUPS: Resolver = { nameservers: ['127.0.0.1'], searches: ['.'], options: [] };

/** The pod's resolver by its `dnsPolicy` and `dnsConfig`. Kubernetes v1.20 pkg/kubelet/network/dns/dns.go GetPodDNS. */
export function dnsConfig(pod: ValidPod, given: DnsGiven): DnsConfig {
  const wantsCluster = policyOf(pod) === 'cluster';
  const missing = wantsCluster && given.clusterDns.length === 0;
  const base = baseResolver(pod, given);
  const merged = withPodConfig(base, pod);
  const omitted: string[] = [];
  const nameservers = fittingNameservers(merged.nameservers, omitted);
  const searches = fittingSearches(merged.searches, omitted);
  const { options } = merged;
  return {
    content: resolvConf({ nameservers, searches, options }),
    nameservers,
    searches,
    options,
    ...(missing ? { missingClusterDns: missingText(pod) } : {}),
    omitted,
  };
}

function policyOf(pod: ValidPod): 'cluster' | 'node' | 'none' {
  switch (pod.spec.dnsPolicy) {
    case 'None':
      return 'none';
    case 'Default':
      return 'node';
    case 'ClusterFirstWithHostNet':
      return 'cluster';
    default:
      return pod.spec.hostNetwork === true ? 'node' : 'cluster';
  }
}

function baseResolver(pod: ValidPod, given: DnsGiven): Resolver {
  const policy = policyOf(pod);
  if (policy === 'none') return { nameservers: [], searches: [], options: [] };
  const node = given.nodeResolvConf === undefined ? undefined : parseResolvConf(given.nodeResolvConf);
  if (policy === 'node' || given.clusterDns.length === 0) return node ?? NO_LOOKUPS;
  const domain = given.clusterDomain;
  const cluster = domain === '' ? [] : [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { nameservers: [...given.clusterDns], searches: unique([...cluster, ...(node?.searches ?? [])]), options: CLUSTER_OPTIONS };
}

function withPodConfig(base: Resolver, pod: ValidPod): Resolver {
  const config = pod.spec.dnsConfig;
  if (config === undefined) return base;
  const options = new Map<string, string>();
  for (const option of base.options) {
    const colon = option.indexOf(':');
    if (colon < 0) options.set(option, '');
    else options.set(option.slice(0, colon), option.slice(colon + 1));
  }
  for (const { name, value } of config.options ?? []) options.set(name ?? '', value ?? '');
  return {
    nameservers: unique([...base.nameservers, ...(config.nameservers ?? [])]),
    searches: unique([...base.searches, ...(config.searches ?? [])]),
    options: [...options].map(([name, value]) => (value === '' ? name : `${name}:${value}`)),
  };
}

/** `nameserver` lines add up; of `search` and `options` the last one wins. */
function parseResolvConf(text: string): Resolver {
  const resolver: Resolver = { nameservers: [], searches: [], options: [] };
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) resolver.nameservers.push(words[0]);
    if (keyword === 'search') resolver.searches = words.map((word) => (word === '.' ? word : word.replace(/\.$/, '')));
    if (keyword === 'options') resolver.options = words;
  }
  return resolver;
}

function fittingNameservers(nameservers: readonly string[], omitted: string[]): string[] {
  const fitting = nameservers.slice(0, MOST_NAMESERVERS);
  if (fitting.length < nameservers.length) {
    const applied = `the applied nameserver line is: ${fitting.join(' ')}`;
    omitted.push(`Nameserver limits were exceeded, some nameservers have been omitted, ${applied}`);
  }
  return fitting;
}

function fittingSearches(searches: readonly string[], omitted: string[]): string[] {
  const fitting = searches.slice(0, MOST_SEARCHES);
  while (fitting.join(' ').length > LONGEST_SEARCH_LINE) fitting.pop();
  if (fitting.length < searches.length) {
    const applied = `the applied search line is: ${fitting.join(' ')}`;
    omitted.push(`Search Line limits were exceeded, some search paths have been omitted, ${applied}`);
  }
  return fitting;
}

function resolvConf({ nameservers, searches, options }: Resolver): string {
  return [
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(searches.length > 0 ? [`search ${searches.join(' ')}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('');
}

function missingText(pod: ValidPod): string {
  const { name, namespace, uid } = pod.metadata;
  const fallback = 'Falling back to "Default" policy.';
  return `pod: "${name}_${namespace}(${uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. ${fallback}`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
