import type { FileSystem, TreeSize } from '../../volumes/index.ts';
import type { BlockDevices } from './block-devices.ts';
import type { ContainerSample, NodeSample, PodSample } from './sampler.ts';
import type { CgroupSample, InterfaceSample } from './samples.ts';

/** The interface that counts for a pod or a node as a whole, where there is one of that name. */
const DEFAULT_INTERFACE = 'eth0';

/** What disks hold, for those who want it. */
export interface DiskUse {
  readonly root?: FileSystem;
  /** That of the Engine's data. */
  readonly images?: FileSystem;
  /** Bytes of all images, those of shared layers with each. */
  readonly imageBytes?: number;
  /** By container id. */
  readonly layers: ReadonlyMap<string, TreeSize>;
  readonly logs: ReadonlyMap<string, number>;
  /** By pod UID. */
  readonly volumes: ReadonlyMap<string, readonly VolumeUse[]>;
  readonly processes: { readonly max?: number; readonly running?: number };
  readonly devices: BlockDevices;
  /** The device that holds the Engine's data, where it is one of them. */
  readonly imageDevice?: string;
}

export interface VolumeUse {
  readonly name: string;
  readonly fileSystem: FileSystem;
  readonly size: TreeSize;
  /** Part of the pod's ephemeral storage. */
  readonly ephemeral: boolean;
  /** The claim that it stands for. */
  readonly claim?: string;
}

/**
 * The Summary of `/stats/summary` (Kubernetes v1.20 kubelet/pkg/apis/stats/v1alpha1). Without `disks` CPU and memory alone
 * (`only_cpu_and_memory=true`). `own` is this process.
 */
export function summaryOf(node: NodeSample, facts: { nodeName: string; startedAt: number; own: { sample: CgroupSample; nanoCores: number } }, disks: DiskUse | undefined): object {
  const { machine, at } = node;
  const system = [
    { name: 'kubelet', startTime: time(facts.startedAt), ...cpuAndMemory(facts.own.sample, facts.own.nanoCores) },
    { name: 'pods', startTime: time(machine.bootedAt), ...sumOf(node.pods.flatMap(partsOf), at, machine.memoryBytes) },
  ];
  return {
    node: {
      nodeName: facts.nodeName,
      systemContainers: system,
      startTime: time(machine.bootedAt),
      ...cpuAndMemory(machine.sample, node.nanoCores),
      ...(disks !== undefined && {
        network: network(node.interfaces, at),
        fs: disks.root && fs(disks.root, at),
        runtime: { imageFs: disks.images && { ...fs(disks.images, at), usedBytes: disks.imageBytes } },
        rlimit: { time: time(at), maxpid: disks.processes.max, curproc: disks.processes.running },
      }),
    },
    pods: node.pods.filter((pod) => partsOf(pod).length > 0).map((pod) => podStats(pod, at, disks)),
  };
}

function partsOf({ sandbox, containers }: PodSample): ContainerSample[] {
  return sandbox === undefined ? [...containers] : [sandbox, ...containers];
}

function podStats(pod: PodSample, at: number, disks: DiskUse | undefined): object {
  const { metadata } = pod.pod;
  const parts = partsOf(pod);
  return {
    podRef: { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid },
    startTime: pod.status?.startTime ?? time(pod.sandbox?.container.createdAt ?? at),
    containers: pod.containers.map((container) => containerStats(container, at, disks)),
    ...sumOf(parts, at, undefined),
    ...(disks !== undefined && {
      ...(pod.sandbox !== undefined && pod.sandbox.interfaces.length > 0 && { network: network(pod.sandbox.interfaces, at) }),
      ...volumes(disks.volumes.get(metadata.uid) ?? [], metadata.namespace, at),
      ...(disks.root !== undefined && { 'ephemeral-storage': ephemeral(pod, disks.root, at, disks) }),
      process_stats: { process_count: parts.reduce((sum, { sample }) => sum + (sample.processes ?? 0), 0) },
    }),
  };
}

function containerStats({ container, sample, nanoCores }: ContainerSample, at: number, disks: DiskUse | undefined): object {
  const layer = disks?.layers.get(container.id);
  const logs = disks?.logs.get(container.id);
  return {
    name: container.name,
    startTime: time(container.startedAt ?? container.createdAt),
    ...cpuAndMemory(sample, nanoCores),
    ...(disks?.images !== undefined && { rootfs: { ...fs(disks.images, at), usedBytes: layer?.bytes, inodesUsed: layer?.inodes } }),
    ...(disks?.root !== undefined && { logs: { ...fs(disks.root, at), usedBytes: logs } }),
  };
}

function cpuAndMemory({ at, cpu, memory }: CgroupSample, nanoCores: number): object {
  return {
    cpu: { time: time(at), usageNanoCores: nanoCores, usageCoreNanoSeconds: cpu.usageNs },
    memory: {
      time: time(at),
      availableBytes: memory.limit === undefined ? undefined : Math.max(0, memory.limit - memory.workingSet),
      usageBytes: memory.usage,
      workingSetBytes: memory.workingSet,
      rssBytes: memory.rss,
      pageFaults: memory.pageFaults,
      majorPageFaults: memory.majorPageFaults,
    },
  };
}

/** Containers taken together: there is no cgroup around all containers of a pod. */
function sumOf(parts: readonly ContainerSample[], at: number, limit: number | undefined): object {
  const sum = (of: (part: ContainerSample) => number | undefined): number => parts.reduce((total, part) => total + (of(part) ?? 0), 0);
  const workingSet = sum(({ sample }) => sample.memory.workingSet);
  const memory = {
    usage: sum(({ sample }) => sample.memory.usage),
    workingSet,
    rss: sum(({ sample }) => sample.memory.rss),
    pageFaults: sum(({ sample }) => sample.memory.pageFaults),
    majorPageFaults: sum(({ sample }) => sample.memory.majorPageFaults),
    ...(limit !== undefined && { limit }),
  };
  return cpuAndMemory({ at, cpu: { usageNs: sum(({ sample }) => sample.cpu.usageNs) }, memory, io: [] }, sum(({ nanoCores }) => nanoCores));
}

function network(interfaces: readonly InterfaceSample[], at: number): object {
  const all = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({ name, rxBytes, rxErrors, txBytes, txErrors }));
  return { time: time(at), ...all.find(({ name }) => name === DEFAULT_INTERFACE), name: DEFAULT_INTERFACE, interfaces: all };
}

function fs({ capacity, available, used, inodes, inodesFree }: FileSystem, at: number): object {
  return { time: time(at), availableBytes: available, capacityBytes: capacity, usedBytes: used, inodesFree, inodes, inodesUsed: inodes - inodesFree };
}

function volumes(used: readonly VolumeUse[], namespace: string, at: number): object {
  if (used.length === 0) return {};
  return {
    volume: used.map(({ name, fileSystem, size, claim }) => ({
      ...fs(fileSystem, at),
      usedBytes: size.bytes,
      inodesUsed: size.inodes,
      name,
      ...(claim !== undefined && { pvcRef: { name: claim, namespace } }),
    })),
  };
}

/** What the pod's containers, their logs and its volumes on the disk take. */
function ephemeral(pod: PodSample, root: FileSystem, at: number, { layers, logs, volumes: used }: DiskUse): object {
  const trees = [...pod.containers.flatMap(({ container }) => layers.get(container.id) ?? []), ...(used.get(pod.pod.metadata.uid) ?? []).filter((one) => one.ephemeral).map(({ size }) => size)];
  const written = trees.reduce((sum, { bytes }) => sum + bytes, 0) + pod.containers.reduce((sum, { container }) => sum + (logs.get(container.id) ?? 0), 0);
  return { ...fs(root, at), usedBytes: written, inodesUsed: trees.reduce((sum, { inodes }) => sum + inodes, 0) };
}

/** As Kubernetes writes times: whole seconds. */
function time(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}
