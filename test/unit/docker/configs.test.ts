import { describe, expect, it } from 'vitest';
import { containerConfig, sandboxConfig, type ContainerConfig, type ContainerInput } from '../../../src/docker/index.ts';
import type { Container, ValidPod } from '../../../src/pod/index.ts';
import { aContainer, aPod, aSandbox } from './a-pod.ts';

const MIB = 1024 * 1024;

describe('a sandbox that Docker gives no network', () => {
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: 'TCP' }];
  const withPorts = aPod({ containers: [{ name: 'main', image: 'busybox', ports }] });

  it('has none of its ports either: whoever joins it maps them', () => {
    const config = sandboxConfig({ ...aSandbox(), pod: withPorts, withoutNetwork: true });
    expect(config).toMatchObject({ ExposedPorts: {}, HostConfig: { NetworkMode: 'none', PortBindings: {} } });
  });

  it("still has the host's where the pod wants that", () => {
    const pod: ValidPod = { ...withPorts, spec: { ...withPorts.spec, hostNetwork: true } };
    expect(sandboxConfig({ ...aSandbox(), pod, withoutNetwork: true }).HostConfig.NetworkMode).toBe('host');
  });
});

describe('a container’s settings', () => {
  it('of the plainest container leave its life to us', () => {
    expect(containerConfig(aContainer())).toMatchObject({
      name: 'k8s_main_web_shop_3f1c8a52-0000-4000-8000-000000000001_0',
      Image: 'sha256:abc',
      Env: ['A=1', 'B=two words'],
      Healthcheck: { Test: ['NONE'] },
      Tty: false,
      OpenStdin: false,
      HostConfig: {
        RestartPolicy: { Name: 'no' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10485760', 'max-file': '5' } },
        NetworkMode: 'container:sandbox-id',
        IpcMode: 'container:sandbox-id',
        OomScoreAdj: 1000,
        CpuShares: 2,
        Memory: 0,
        MemorySwap: 0,
        ShmSize: 64 * MIB,
        SecurityOpt: ['seccomp=unconfined'],
        Privileged: false,
      },
    });
  });

  it('leave entrypoint, arguments, directory and user to the image where the pod names none', () => {
    const config = containerConfig(aContainer());
    for (const key of ['Entrypoint', 'Cmd', 'WorkingDir', 'User', 'Hostname']) expect(config).not.toHaveProperty(key);
    for (const key of ['PidMode', 'UTSMode', 'CpuQuota', 'CpuPeriod', 'MaskedPaths']) expect(config.HostConfig).not.toHaveProperty(key);
  });

  const cases: [string, { spec?: Partial<ValidPod['spec']>; container?: Partial<Container>; input?: Partial<ContainerInput> }, Partial<ContainerConfig> | { HostConfig: object }][] = [
    ['command and arguments', { input: { command: ['/bin/sh', '-c'], args: ['exit 0'] } }, { Entrypoint: ['/bin/sh', '-c'], Cmd: ['exit 0'] }],
    ['a working directory', { container: { workingDir: '/srv' } }, { WorkingDir: '/srv' }],
    ['a terminal and input', { container: { tty: true, stdin: true, stdinOnce: true } }, { Tty: true, OpenStdin: true, StdinOnce: true }],
    [
      'limits',
      { input: { resources: { cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000, memoryBytes: 128n * 1024n * 1024n } } },
      { HostConfig: { CpuShares: 512, CpuQuota: 50_000, CpuPeriod: 100_000, Memory: 128 * MIB, MemorySwap: 128 * MIB } },
    ],
    [
      'mounts',
      {
        input: {
          mounts: [
            { hostPath: '/a', containerPath: '/b', readOnly: false, propagation: 'private' },
            { hostPath: '/c', containerPath: '/d', readOnly: true, propagation: 'private' },
            { hostPath: '/e', containerPath: '/f', readOnly: true, propagation: 'rslave' },
            { hostPath: '/g', containerPath: '/h', readOnly: false, propagation: 'rshared' },
          ],
        },
      },
      { HostConfig: { Binds: ['/a:/b', '/c:/d:ro', '/e:/f:ro,rslave', '/g:/h:rshared'] } },
    ],
    ['the node’s network', { spec: { hostNetwork: true } }, { HostConfig: { UTSMode: 'host', NetworkMode: 'container:sandbox-id' } }],
    ['the node’s processes', { spec: { hostPID: true } }, { HostConfig: { PidMode: 'host' } }],
    ['the pod’s processes', { spec: { shareProcessNamespace: true } }, { HostConfig: { PidMode: 'container:sandbox-id' } }],
    ['privilege', { container: { securityContext: { privileged: true } } }, { HostConfig: { Privileged: true } }],
    [
      'capabilities',
      { container: { securityContext: { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } } } },
      { HostConfig: { CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'] } },
    ],
    ['a read-only root', { container: { securityContext: { readOnlyRootFilesystem: true } } }, { HostConfig: { ReadonlyRootfs: true } }],
    [
      'no new privileges',
      { container: { securityContext: { allowPrivilegeEscalation: false } } },
      { HostConfig: { SecurityOpt: ['no-new-privileges', 'seccomp=unconfined'] } },
    ],
    ['Docker’s own seccomp profile', { spec: { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } } }, { HostConfig: { SecurityOpt: [] } }],
    [
      'SELinux, the container’s part before the pod’s',
      {
        spec: { securityContext: { seLinuxOptions: { level: 's0', type: 'pod_t' } } },
        container: { securityContext: { seLinuxOptions: { type: 'own_t' } } },
      },
      { HostConfig: { SecurityOpt: ['label=type:own_t', 'label=level:s0', 'seccomp=unconfined'] } },
    ],
    ['Docker’s own profiles', { spec: { securityContext: { seccompProfile: { type: 'RuntimeDefault' }, appArmorProfile: { type: 'RuntimeDefault' } } } }, { HostConfig: { SecurityOpt: [] } }],
    [
      'profiles of the node',
      {
        container: { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'p.json' }, appArmorProfile: { type: 'Localhost', localhostProfile: 'web' } } },
        input: { seccomp: '{"defaultAction":"SCMP_ACT_ALLOW"}' },
      },
      { HostConfig: { SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', 'apparmor=web'] } },
    ],
    ['no AppArmor', { container: { securityContext: { appArmorProfile: { type: 'Unconfined' } } } }, { HostConfig: { SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'] } }],
    ['all of /proc', { container: { securityContext: { procMount: 'Unmasked' } } }, { HostConfig: { MaskedPaths: [], ReadonlyPaths: [] } }],
    ['groups that volumes belong to', { spec: { securityContext: { supplementalGroups: [5, 6] } }, input: { groups: [6, 9] } }, { HostConfig: { GroupAdd: ['5', '6', '9'] } }],
    ['groups', { spec: { securityContext: { supplementalGroups: [5, 6], fsGroup: 7 } } }, { HostConfig: { GroupAdd: ['5', '6', '7'] } }],
    ['the pod’s user', { spec: { securityContext: { runAsUser: 1, runAsGroup: 2 } } }, { User: '1:2' }],
    [
      'its own user before the pod’s',
      { spec: { securityContext: { runAsUser: 1, runAsGroup: 2 } }, container: { securityContext: { runAsUser: 0 } } },
      { User: '0:2' },
    ],
    ['a group without a user: the image’s', { container: { securityContext: { runAsGroup: 9 } }, input: { image: { from: 'i', name: 'n', statusId: 's', user: 'www:www' } } }, { User: 'www:9' }],
    ['a group without any user: root', { container: { securityContext: { runAsGroup: 9 } } }, { User: '0:9' }],
  ];
  it.each(cases)('carry %s', (_what, { spec, container, input }, expected) => {
    expect(containerConfig(aContainer({ pod: aPod(spec), container: { name: 'main', image: 'nginx', ...container }, ...input }))).toMatchObject(expected);
  });

  it('refuse a path with a colon, which would mean another mount', () => {
    const mounts = [{ hostPath: '/a:/etc', containerPath: '/b', readOnly: false, propagation: 'private' as const }];
    expect(() => containerConfig(aContainer({ mounts }))).toThrow(/colon/);
  });
});

describe('a sandbox’s settings', () => {
  it('of the plainest pod', () => {
    expect(sandboxConfig(aSandbox())).toMatchObject({
      name: 'k8s_POD_web_shop_3f1c8a52-0000-4000-8000-000000000001_0',
      Image: 'km/pause:1',
      Hostname: 'web',
      ExposedPorts: {},
      HostConfig: {
        NetworkMode: 'default',
        IpcMode: 'shareable',
        CpuShares: 2,
        OomScoreAdj: -998,
        PortBindings: {},
        Sysctls: {},
        SecurityOpt: ['no-new-privileges'],
      },
    });
  });

  it('with the node’s namespaces give up the pod’s own', () => {
    const config = sandboxConfig(aSandbox({ pod: aPod({ hostNetwork: true, hostIPC: true, hostPID: true, containers: [{ name: 'a', image: 'b', ports: [{ containerPort: 80, hostPort: 80 }] }] }) }));
    expect(config.HostConfig).toMatchObject({ NetworkMode: 'host', IpcMode: 'host', PidMode: 'host', PortBindings: {} });
    expect(config).not.toHaveProperty('Hostname');
  });

  it('open the ports that containers want on the node', () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 80, hostPort: 8081, hostIP: '127.0.0.1' },
      { containerPort: 53, hostPort: 53, protocol: 'UDP' },
      { containerPort: 9 },
    ];
    const config = sandboxConfig(aSandbox({ pod: aPod({ containers: [{ name: 'a', image: 'b', ports }] }) }));
    expect(config.ExposedPorts).toEqual({ '80/tcp': {}, '53/udp': {} });
    expect(config.HostConfig.PortBindings).toEqual({
      '80/tcp': [
        { HostIp: '', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '8081' },
      ],
      '53/udp': [{ HostIp: '', HostPort: '53' }],
    });
  });

  it('carry resolvers, sysctls and the pod’s user', () => {
    const pod = aPod({ securityContext: { runAsUser: 5, sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '1024 65000' }] } });
    const dns = { nameservers: ['10.0.0.10'], searches: ['shop.svc.cluster.local'], options: ['ndots:5'] };
    expect(sandboxConfig(aSandbox({ pod, dns }))).toMatchObject({
      User: '5',
      HostConfig: {
        Dns: ['10.0.0.10'],
        DnsSearch: ['shop.svc.cluster.local'],
        DnsOptions: ['ndots:5'],
        Sysctls: { 'net.ipv4.ip_local_port_range': '1024 65000' },
      },
    });
  });

  it('take a group without a user for that of root', () => {
    expect(sandboxConfig(aSandbox({ pod: aPod({ securityContext: { runAsGroup: 5 } }) })).User).toBe('0:5');
  });

  it('carry sysctls by their names with dots', () => {
    const pod = aPod({ securityContext: { sysctls: [{ name: 'net/ipv4/tcp_syncookies', value: '1' }] } });
    expect(sandboxConfig(aSandbox({ pod })).HostConfig.Sysctls).toEqual({ 'net.ipv4.tcp_syncookies': '1' });
  });
});
