import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostInfo, missingLabels, nodeObject, nodeStatus, statusDiffers, type Node, type NodeFacts } from '../../../src/node/index.ts';

const NOW = Date.UTC(2026, 0, 1);
const FACTS: NodeFacts = {
  name: 'agent-1',
  hostIP: '10.0.0.1',
  hostname: 'agent-1.example',
  labels: { rack: 'r1' },
  capacity: { cpus: 3.5, memoryBytes: 6 * 2 ** 30, diskBytes: 1_000_000_000, pods: 110 },
  info: {
    machineId: 'm',
    systemUuid: 's',
    bootId: 'b',
    kernelVersion: '6.1.0',
    osImage: 'Debian GNU/Linux 12 (bookworm)',
    containerRuntimeVersion: 'docker://20.10.24',
    kubeletVersion: 'v1.20.2-km.0.1.0',
    operatingSystem: 'linux',
    architecture: 'amd64',
  },
};
const condition = (node: Node, type: string): unknown => node.status?.conditions?.find((other) => other.type === type);

describe('a Node object', () => {
  const node = nodeObject(FACTS, { ok: true }, NOW);

  it('has the labels by which pods choose nodes', () => {
    expect(node.metadata).toEqual({
      name: 'agent-1',
      labels: {
        'kubernetes.io/hostname': 'agent-1.example',
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'beta.kubernetes.io/arch': 'amd64',
        rack: 'r1',
      },
    });
  });

  it('has addresses, and the facts that kubectl get -o wide shows', () => {
    expect(node.status?.addresses).toEqual([
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'Hostname', address: 'agent-1.example' },
    ]);
    expect(node.status?.nodeInfo).toMatchObject({ kubeletVersion: 'v1.20.2-km.0.1.0', osImage: 'Debian GNU/Linux 12 (bookworm)', kernelVersion: '6.1.0', containerRuntimeVersion: 'docker://20.10.24' });
  });

  it('words its conditions as the kubelet does', () => {
    expect(node.status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
    ]);
  });

  it.each([
    [{ cpus: 4 }, { cpu: '4' }],
    [{ cpus: 0.1 }, { cpu: '100m' }],
    [{ cpus: 2.3999 }, { cpu: '2399m' }],
    [{ memoryBytes: 16_393_244 * 1024 }, { memory: '16393244Ki' }],
    [{ memoryBytes: 1023 }, { memory: '1023' }],
    [{ diskBytes: 2 ** 50 }, { 'ephemeral-storage': '1Pi' }],
    [{ diskBytes: 0 }, { 'ephemeral-storage': '0' }],
    [{ pods: 30 }, { pods: '30' }],
  ])('writes %j in canonical quantities', (capacity, wanted) => {
    const { status } = nodeObject({ ...FACTS, capacity: { ...FACTS.capacity, ...capacity } }, { ok: true }, NOW);
    expect(status?.capacity).toMatchObject(wanted);
    expect(status?.allocatable).toEqual(status?.capacity);
  });
});

describe('a status', () => {
  const before = nodeObject(FACTS, { ok: true }, NOW);
  const later = NOW + 60_000;

  it('keeps the time of a transition until the next one', () => {
    const same = { ...before, status: nodeStatus(FACTS, { ok: true }, later, before.status?.conditions) };
    expect(condition(same, 'Ready')).toMatchObject({ lastTransitionTime: '2026-01-01T00:00:00Z', lastHeartbeatTime: '2026-01-01T00:01:00Z' });
    const other = { ...before, status: nodeStatus(FACTS, { ok: false, reason: 'KubeletNotReady', message: 'no Engine' }, later, before.status?.conditions) };
    expect(condition(other, 'Ready')).toEqual({ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'no Engine', lastTransitionTime: '2026-01-01T00:01:00Z', lastHeartbeatTime: '2026-01-01T00:01:00Z' });
  });

  it.each<[string, (status: NonNullable<Node['status']>) => void, boolean]>([
    ['nothing', () => undefined, false],
    ['a heartbeat', (status) => void (status.conditions?.[0] && (status.conditions[0].lastHeartbeatTime = 'then')), false],
    ['a condition of somebody else', (status) => void status.conditions?.push({ type: 'NetworkUnavailable', status: 'False' }), false],
    ['an address of somebody else', (status) => void status.addresses?.push({ type: 'ExternalIP', address: '1.1.1.1' }), false],
    ['a resource of somebody else', (status) => void (status.capacity && (status.capacity = { ...status.capacity, 'example.com/gpu': '1' })), false],
    ['the readiness', (status) => void (status.conditions = status.conditions?.map((other) => (other.type === 'Ready' ? { ...other, status: 'Unknown' } : other)) ?? []), true],
    ['our address', (status) => void (status.addresses = [{ type: 'InternalIP', address: '10.0.0.9' }]), true],
    ['the capacity', (status) => void (status.capacity = { cpu: '1' }), true],
    ['the kernel', (status) => void (status.nodeInfo && (status.nodeInfo = { ...status.nodeInfo, kernelVersion: '5' })), true],
  ])('that differs in %s must be written: %s', (_what, change, wanted) => {
    const standing = structuredClone(before.status ?? {});
    change(standing);
    expect(statusDiffers(standing, nodeStatus(FACTS, { ok: true }, later))).toBe(wanted);
  });
});

it('labels of others stay, ours are mended', () => {
  const node = nodeObject(FACTS, { ok: true }, NOW);
  expect(missingLabels(node, FACTS)).toBeUndefined();
  node.metadata = { name: 'agent-1', labels: { ...node.metadata?.labels, mine: 'x', rack: 'other' } };
  expect(missingLabels(node, FACTS)).toEqual({ rack: 'r1' });
  expect(Object.keys(missingLabels({}, FACTS) ?? {})).toHaveLength(6);
});

describe('facts of the host', () => {
  it('are read where Linux has them', async () => {
    const root = await mkdtemp(join(tmpdir(), 'km-host-'));
    try {
      for (const [path, text] of Object.entries({ 'etc/machine-id': 'abc\n', 'proc/sys/kernel/random/boot_id': 'boot\n', 'etc/os-release': 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' })) {
        await mkdir(join(root, path, '..'), { recursive: true });
        await writeFile(join(root, path), text);
      }
      const info = await hostInfo({ engineVersion: '20.10.24', version: '0.1.0', root });
      expect(info).toMatchObject({ machineId: 'abc', systemUuid: 'abc', bootId: 'boot', osImage: 'Debian GNU/Linux 12 (bookworm)', containerRuntimeVersion: 'docker://20.10.24', kubeletVersion: 'v1.20.2-km.0.1.0' });
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it('that cannot be read are empty', async () => {
    expect(await hostInfo({ engineVersion: '1', version: '0', root: '/no/such/root' })).toMatchObject({ machineId: '', systemUuid: '', bootId: '', osImage: 'Linux' });
  });
});
