import { describe, expect, it, test } from 'vitest';

import { dnsConfig, hostnameOf, hostsFile, type PodSpec } from '../../../src/pod/index.ts';
import { pod } from './samples.ts';

describe("the pod's names", () => {
  test.each<[string, Partial<PodSpec>, ReturnType<typeof hostnameOf>]>([
    ['its own name', {}, { hostname: 'web', domain: '', nodename: 'web' }],
    ['its hostname', { hostname: 'db' }, { hostname: 'db', domain: '', nodename: 'db' }],
    ['a subdomain', { subdomain: 'sub' }, { hostname: 'web', domain: 'sub.shop.svc.cluster.local', nodename: 'web' }],
    ['the full name', { subdomain: 'sub', setHostnameAsFQDN: true }, { hostname: 'web', domain: 'sub.shop.svc.cluster.local', nodename: 'web.sub.shop.svc.cluster.local' }],
    ["the node's", { hostNetwork: true, hostname: 'db' }, { hostname: 'node-1', domain: '', nodename: 'node-1' }],
  ])('%s', (_name, spec, expected) => {
    expect(hostnameOf(pod(spec, { namespace: 'shop' }), 'node-1')).toEqual(expected);
  });

  it('are cut to what a kernel takes, not ending in a dash or dot', () => {
    expect(hostnameOf(pod({}, { name: `${'a'.repeat(61)}.bcd` }), 'node-1').hostname).toBe(`${'a'.repeat(61)}.b`);
    expect(hostnameOf(pod({}, { name: `${'a'.repeat(61)}--b` }), 'node-1').hostname).toBe('a'.repeat(61));
  });

  it('refuse a full name that no kernel takes', () => {
    const long = pod({ hostname: 'a'.repeat(40), subdomain: 'b'.repeat(20), setHostnameAsFQDN: true });
    expect(() => hostnameOf(long, 'node-1')).toThrow(/is too long \(64 characters is the max, 87 characters requested\)/);
  });
});

describe('/etc/hosts', () => {
  const local = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n';

  it('names the pod', () => {
    expect(hostsFile(pod(), ['10.1.2.3'], 'web', '')).toBe(`# Kubernetes-managed hosts file.\n${local}10.1.2.3\tweb\n`);
  });

  it('names it fully where it has a domain, at each address, and lists aliases', () => {
    const spec = { hostAliases: [{ ip: '192.0.2.7', hostnames: ['a', 'b'] }, { ip: '192.0.2.8' }] };
    expect(hostsFile(pod(spec), ['10.1.2.3', 'fd00::3'], 'web', 'sub.ns')).toBe(
      `# Kubernetes-managed hosts file.\n${local}10.1.2.3\tweb.sub.ns\tweb\nfd00::3\tweb.sub.ns\tweb\n\n# Entries added by HostAliases.\n192.0.2.7\ta\tb\n192.0.2.8\t\n`,
    );
  });

  it("is the node's with the host's network", () => {
    const spec = { hostNetwork: true, hostAliases: [{ ip: '192.0.2.7', hostnames: ['a'] }] };
    expect(hostsFile(pod(spec), [], 'node', '', '127.0.0.1 localhost\n')).toBe(
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n\n# Entries added by HostAliases.\n192.0.2.7\ta\n',
    );
  });
});

describe('resolv.conf', () => {
  const given = {
    nodeResolvConf: '# comment\nnameserver 192.0.2.53\nsearch old.example\n  search node.example. corp.example\noptions ndots:2 edns0\n',
    clusterDns: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
  };
  const node = 'nameserver 192.0.2.53\nsearch node.example corp.example\noptions ndots:2 edns0\n';
  const cluster = 'nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local node.example corp.example\noptions ndots:5\n';

  test.each<[string, Partial<PodSpec>, string]>([
    ['ClusterFirst', {}, cluster],
    ["ClusterFirst with the host's network is the node's", { hostNetwork: true }, node],
    ['ClusterFirstWithHostNet', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, cluster],
    ['Default', { dnsPolicy: 'Default' }, node],
    ['None', { dnsPolicy: 'None', dnsConfig: { nameservers: ['192.0.2.99'] } }, 'nameserver 192.0.2.99\n'],
    [
      'additions of the pod',
      { dnsPolicy: 'Default', dnsConfig: { nameservers: ['192.0.2.53', '192.0.2.54'], searches: ['corp.example', 'my.example'], options: [{ name: 'ndots', value: '3' }, { name: 'rotate' }] } },
      'nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch node.example corp.example my.example\noptions ndots:3 edns0 rotate\n',
    ],
  ])('%s', (_name, spec, content) => {
    const config = dnsConfig(pod(spec, { namespace: 'shop' }), given);
    expect(config.content).toBe(content);
    expect(config.missingClusterDns).toBeUndefined();
    expect(config.omitted).toEqual([]);
  });

  it("falls back to the node's without a cluster DNS, and says so", () => {
    const config = dnsConfig(pod({}, { namespace: 'shop' }), { ...given, clusterDns: [] });
    expect(config.content).toBe(node);
    expect(config.missingClusterDns).toBe(
      'pod: "web_shop(uid-1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.',
    );
  });

  it('keeps to 3 nameservers and 6 search paths, and says what it applied', () => {
    const spec: Partial<PodSpec> = { dnsConfig: { nameservers: ['192.0.2.1', '192.0.2.2', '192.0.2.3'], searches: ['a.b', 'c.d'] } };
    const config = dnsConfig(pod(spec, { namespace: 'shop' }), given);
    expect(config.nameservers).toEqual(['10.96.0.10', '192.0.2.1', '192.0.2.2']);
    expect(config.searches).toHaveLength(6);
    expect(config.omitted).toEqual([
      'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 192.0.2.1 192.0.2.2',
      'Search Line limits were exceeded, some search paths have been omitted, the applied search line is: shop.svc.cluster.local svc.cluster.local cluster.local node.example corp.example a.b',
    ]);
  });

  it('looks nothing up where the node is to have no settings, and still asks the cluster', () => {
    const none = { ...given, nodeResolvConf: undefined };
    expect(dnsConfig(pod({ dnsPolicy: 'Default' }), none).content).toBe('nameserver 127.0.0.1\nsearch .\n');
    expect(dnsConfig(pod({}, { namespace: 'shop' }), none).content).toBe('nameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n');
  });

  it('keeps the search line to 256 characters', () => {
    const long = `${'x'.repeat(60)}.${'y'.repeat(60)}.example`;
    const config = dnsConfig(pod({ dnsPolicy: 'Default' }), { ...given, nodeResolvConf: `nameserver 192.0.2.1\nsearch a.example ${long} ${long.replace('x', 'z')}\n` });
    expect(config.searches).toEqual(['a.example', long]);
    expect(config.omitted).toHaveLength(1);
  });
});
