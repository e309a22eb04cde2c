import { describe, expect, it, test } from 'vitest';
import type { Container } from '../../../src/pod/index.ts';
import { capabilityArguments } from '../../../src/network/capability-arguments.ts';
import { pluginEnvironment, pluginInput, tellsResultOnDel } from '../../../src/network/invocation.ts';
import { addressesOf, failureWords, parseResult } from '../../../src/network/result.ts';
import { pod } from '../pod/samples.ts';

const attachment = { sandboxId: 'abc', namespace: 'shop', name: 'web', uid: 'uid-1' };

describe('what a plugin is told', () => {
  it('is the protocol and nothing of our own environment', () => {
    expect(pluginEnvironment({ command: 'ADD', attachment, interfaceName: 'eth0', netns: '/netns/abc', binDirs: ['/a', '/b'] })).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'abc',
      CNI_NETNS: '/netns/abc',
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/a:/b',
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=uid-1',
    });
  });

  const network = { name: 'pods', cniVersion: '0.4.0', plugins: [] };
  const given = { portMappings: [{ hostPort: 80 }], bandwidth: { ingressRate: 1000 } };

  test.each<[string, object, object | undefined, object]>([
    ['its own part of the file', { type: 'bridge', mtu: 1400 }, undefined, { type: 'bridge', mtu: 1400 }],
    ['the result so far', { type: 'bridge' }, { ips: [] }, { type: 'bridge', prevResult: { ips: [] } }],
    [
      'of the pod what it is able to do, not more',
      { type: 'portmap', capabilities: { portMappings: true, bandwidth: false, dns: true } },
      undefined,
      { type: 'portmap', capabilities: { portMappings: true, bandwidth: false, dns: true }, runtimeConfig: { portMappings: [{ hostPort: 80 }] } },
    ],
  ])('is %s', (_name, plugin, previous, expected) => {
    const input = pluginInput(network, plugin as { type: string }, given, previous as Record<string, unknown> | undefined);
    expect(input).toEqual({ ...expected, name: 'pods', cniVersion: '0.4.0' });
  });

  it('is the result of ADD on DEL from version 0.4.0 on', () => {
    expect(['0.3.1', '0.4.0', '1.0.0'].map((cniVersion) => tellsResultOnDel({ ...network, cniVersion }))).toEqual([false, true, true]);
  });
});

describe('what a pod asks of plugins', () => {
  const withPorts = (ports: Container['ports']) => pod({ containers: [{ name: 'web', image: 'x', ...(ports !== undefined && { ports }) }] });
  const annotated = (annotations: Record<string, string>) => pod({}, { annotations });

  it('is its ports of the node, with their protocols and addresses', () => {
    const ports = [{ containerPort: 80, hostPort: 8080 }, { containerPort: 53, hostPort: 53, protocol: 'UDP' as const, hostIP: '127.0.0.1' }, { containerPort: 9 }];
    expect(capabilityArguments(withPorts(ports))).toEqual({
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '' },
        { hostPort: 53, containerPort: 53, protocol: 'udp', hostIP: '127.0.0.1' },
      ],
    });
  });

  it('is its bandwidth in bits a second', () => {
    expect(capabilityArguments(annotated({ 'kubernetes.io/ingress-bandwidth': '1M', 'kubernetes.io/egress-bandwidth': '2Ki' }))).toMatchObject({
      bandwidth: { ingressRate: 1_000_000, ingressBurst: 2 ** 31 - 1, egressRate: 2048, egressBurst: 2 ** 31 - 1 },
    });
    expect(capabilityArguments(annotated({ 'kubernetes.io/egress-bandwidth': '1M' }))['bandwidth']).toEqual({ egressRate: 1_000_000, egressBurst: 2 ** 31 - 1 });
  });

  test.each([
    ['10', 'metadata.annotations[kubernetes.io/ingress-bandwidth]: resource is unreasonably small (< 1kbit)'],
    ['2P', 'metadata.annotations[kubernetes.io/ingress-bandwidth]: resource is unreasonably large (> 1Pbit)'],
    ['fast', '"fast" is not a quantity'],
  ])('is refused with a bandwidth of %s', (bandwidth, message) => {
    expect(() => capabilityArguments(annotated({ 'kubernetes.io/ingress-bandwidth': bandwidth }))).toThrow(message);
  });
});

describe('the addresses of a pod', () => {
  const interfaces = [{ name: 'br0' }, { name: 'veth1' }, { name: 'eth0', sandbox: '/netns/abc' }];

  test.each<[string, object, readonly string[]]>([
    ['are those inside it', { interfaces, ips: [{ interface: 0, address: '10.1.0.1/24' }, { interface: 2, address: '10.1.0.7/24' }] }, ['10.1.0.7']],
    ['are one of each family, IPv4 first', { interfaces, ips: [{ interface: 2, address: 'fd00::7/64' }, { interface: 2, address: '10.1.0.7/24' }, { interface: 2, address: '10.1.0.8/24' }] }, ['10.1.0.7', 'fd00::7']],
    ['may be of no interface', { ips: [{ version: '4', address: '10.1.0.7/24' }] }, ['10.1.0.7']],
    ['may have an interface that is not listed, where none is', { ips: [{ interface: 0, address: '10.1.0.7/24' }] }, ['10.1.0.7']],
    ['are none where the result has none', { interfaces, ips: [{ address: 'x' }, 7, {}] }, []],
    ['are none where there are only those of the node', { interfaces, ips: [{ interface: 0, address: '10.1.0.1/24' }, { interface: 9, address: '10.1.0.9/24' }] }, []],
  ])('%s', (_name, result, expected) => expect(addressesOf(result as Record<string, unknown>)).toEqual(expected));
});

describe('what a plugin says', () => {
  it('is a result in JSON, or a failure', () => {
    expect(parseResult('{"ips":[]}')).toEqual({ ips: [] });
    for (const output of ['', '{', '[]', 'null']) expect(() => parseResult(output)).toThrow(/^the plugin's result is/);
  });

  test.each([
    ['{"code":11,"msg":"no addresses","details":"range full"}', '', 'no addresses; range full'],
    ['{"code":7,"msg":"bad"}', 'noise', 'bad'],
    ['', 'panic: oops\n', 'panic: oops'],
    ['{}', '', 'netplugin failed with no error message'],
  ])('%s %s: %s', (output, errors, words) => expect(failureWords(output, errors)).toBe(words));
});
