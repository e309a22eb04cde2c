import type { EngineInfo } from '../../docker/index.ts';
import type { Metric, Value } from './exposition.ts';
import type { ContainerSample, NodeSample, PodSample } from './sampler.ts';
import type { CgroupSample, InterfaceSample, IoSample } from './samples.ts';
import type { DiskUse } from './summary.ts';

const NS = 1e9;
/** The kernel's own unit of shares, where nothing else is said. */
const DEFAULT_PERIOD_US = 100_000;

/** One thing that is counted for containers, or for the whole machine. */
interface Counted {
  readonly labels: Readonly<Record<string, string>>;
  readonly sample: CgroupSample;
  readonly startedAt: number;
  readonly interfaces: readonly InterfaceSample[];
  readonly io: readonly IoSample[];
  readonly fileSystems: readonly FileSystemUse[];
}

interface FileSystemUse {
  readonly device: string;
  readonly capacity: number;
  readonly used: number;
  /** Only of what has the file system for itself. */
  readonly inodes?: number;
  readonly inodesFree?: number;
}

/** The container_* and machine_* series of `/metrics/cadvisor` that dashboards and rules use (cAdvisor v0.38 metrics/prometheus.go). */
export function cadvisorMetrics(node: NodeSample, engine: EngineInfo, disks: DiskUse): Metric[] {
  const all: Counted[] = [
    { labels: labelsOf({}), sample: node.machine.sample, startedAt: node.machine.bootedAt, interfaces: node.interfaces, io: disks.devices.io, fileSystems: disks.devices.fileSystems },
    ...node.pods.flatMap((pod) => [...(pod.sandbox === undefined ? [] : [pod.sandbox]), ...pod.containers].map((part) => counted(pod, part, disks))),
  ];
  const metric = (type: Metric['type'], name: string, help: string, of: (one: Counted) => number | undefined): Metric => ({
    name,
    help,
    type,
    values: all.flatMap((one): Value[] => {
      const value = of(one);
      return value === undefined ? [] : [{ labels: one.labels, value, at: one.sample.at }];
    }),
  });
  const network = (name: string, help: string, of: (one: InterfaceSample) => number): Metric => ({
    name,
    help,
    type: 'counter',
    values: all.flatMap(({ labels, sample, interfaces }) => interfaces.map((one) => ({ labels: sorted({ ...labels, interface: one.name }), value: of(one), at: sample.at }))),
  });
  const io = (name: string, help: string, of: (one: IoSample) => number): Metric => ({
    name,
    help,
    type: 'counter',
    values: all.flatMap(({ labels, sample, io: devices }) => devices.map((one) => ({ labels: sorted({ ...labels, device: disks.devices.names.get(one.device) ?? one.device }), value: of(one), at: sample.at }))),
  });
  const fs = (name: string, help: string, of: (one: FileSystemUse) => number | undefined): Metric => ({
    name,
    help,
    type: 'gauge',
    values: all.flatMap(({ labels, sample, fileSystems }) =>
      fileSystems.flatMap((one): Value[] => {
        const value = of(one);
        return value === undefined ? [] : [{ labels: sorted({ ...labels, device: one.device }), value, at: sample.at }];
      }),
    ),
  });
  const seconds = (ns: number | undefined): number | undefined => (ns === undefined ? undefined : ns / NS);
  return [
    { name: 'cadvisor_version_info', help: "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.", type: 'gauge', values: [{ labels: { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: engine.version, kernelVersion: engine.kernelVersion, osVersion: engine.operatingSystem }, value: 1 }] },
    metric('counter', 'container_cpu_cfs_periods_total', 'Number of elapsed enforcement period intervals.', ({ sample: { cpu } }) => (cpu.quotaUs === undefined ? undefined : cpu.periods)),
    metric('counter', 'container_cpu_cfs_throttled_periods_total', 'Number of throttled period intervals.', ({ sample: { cpu } }) => (cpu.quotaUs === undefined ? undefined : cpu.throttledPeriods)),
    metric('counter', 'container_cpu_cfs_throttled_seconds_total', 'Total time duration the container has been throttled.', ({ sample: { cpu } }) => (cpu.quotaUs === undefined ? undefined : seconds(cpu.throttledNs))),
    metric('counter', 'container_cpu_system_seconds_total', 'Cumulative system cpu time consumed in seconds.', ({ sample }) => seconds(sample.cpu.systemNs)),
    total(metric('counter', 'container_cpu_usage_seconds_total', 'Cumulative cpu time consumed in seconds.', ({ sample }) => seconds(sample.cpu.usageNs))),
    metric('counter', 'container_cpu_user_seconds_total', 'Cumulative user cpu time consumed in seconds.', ({ sample }) => seconds(sample.cpu.userNs)),
    fs('container_fs_inodes_free', 'Number of available Inodes', ({ inodesFree }) => inodesFree),
    fs('container_fs_inodes_total', 'Number of Inodes', ({ inodes }) => inodes),
    fs('container_fs_limit_bytes', 'Number of bytes that can be consumed by the container on this filesystem.', ({ capacity }) => capacity),
    io('container_fs_reads_bytes_total', 'Cumulative count of bytes read', ({ readBytes }) => readBytes),
    io('container_fs_reads_total', 'Cumulative count of reads completed', ({ reads }) => reads),
    fs('container_fs_usage_bytes', 'Number of bytes that are consumed by the container on this filesystem.', ({ used }) => used),
    io('container_fs_writes_bytes_total', 'Cumulative count of bytes written', ({ writtenBytes }) => writtenBytes),
    io('container_fs_writes_total', 'Cumulative count of writes completed', ({ writes }) => writes),
    metric('gauge', 'container_last_seen', 'Last time a container was seen by the exporter', ({ sample }) => Math.floor(sample.at / 1000)),
    metric('gauge', 'container_memory_cache', 'Number of bytes of page cache memory.', ({ sample }) => sample.memory.cache),
    metric('counter', 'container_memory_failcnt', 'Number of memory usage hits limits', ({ sample }) => sample.memory.limitFailures),
    failures(all),
    metric('gauge', 'container_memory_mapped_file', 'Size of memory mapped files in bytes.', ({ sample }) => sample.memory.mapped),
    metric('gauge', 'container_memory_max_usage_bytes', 'Maximum memory usage recorded in bytes', ({ sample }) => sample.memory.peak),
    metric('gauge', 'container_memory_rss', 'Size of RSS in bytes.', ({ sample }) => sample.memory.rss),
    metric('gauge', 'container_memory_swap', 'Container swap usage in bytes.', ({ sample }) => sample.memory.swap),
    metric('gauge', 'container_memory_usage_bytes', 'Current memory usage in bytes, including all memory regardless of when it was accessed', ({ sample }) => sample.memory.usage),
    metric('gauge', 'container_memory_working_set_bytes', 'Current working set in bytes.', ({ sample }) => sample.memory.workingSet),
    network('container_network_receive_bytes_total', 'Cumulative count of bytes received', ({ rxBytes }) => rxBytes),
    network('container_network_receive_errors_total', 'Cumulative count of errors encountered while receiving', ({ rxErrors }) => rxErrors),
    network('container_network_receive_packets_dropped_total', 'Cumulative count of packets dropped while receiving', ({ rxDropped }) => rxDropped),
    network('container_network_receive_packets_total', 'Cumulative count of packets received', ({ rxPackets }) => rxPackets),
    network('container_network_transmit_bytes_total', 'Cumulative count of bytes transmitted', ({ txBytes }) => txBytes),
    network('container_network_transmit_errors_total', 'Cumulative count of errors encountered while transmitting', ({ txErrors }) => txErrors),
    network('container_network_transmit_packets_dropped_total', 'Cumulative count of packets dropped while transmitting', ({ txDropped }) => txDropped),
    network('container_network_transmit_packets_total', 'Cumulative count of packets transmitted', ({ txPackets }) => txPackets),
    metric('gauge', 'container_processes', 'Number of processes running inside the container.', ({ sample }) => sample.processes),
    timeless(metric('gauge', 'container_spec_cpu_period', 'CPU period of the container.', ({ sample: { cpu } }) => cpu.periodUs ?? DEFAULT_PERIOD_US)),
    timeless(metric('gauge', 'container_spec_cpu_quota', 'CPU quota of the container.', ({ sample }) => sample.cpu.quotaUs)),
    timeless(metric('gauge', 'container_spec_cpu_shares', 'CPU share of the container.', ({ sample }) => sample.cpu.shares)),
    timeless(metric('gauge', 'container_spec_memory_limit_bytes', 'Memory limit for the container.', ({ sample }) => sample.memory.limit ?? 0)),
    timeless(metric('gauge', 'container_start_time_seconds', 'Start time of the container since unix epoch in seconds.', ({ startedAt }) => Math.floor(startedAt / 1000))),
    metric('gauge', 'container_threads', 'Number of threads running inside the container', ({ sample }) => sample.threads),
    metric('gauge', 'container_threads_max', 'Maximum number of threads allowed inside the container, infinity if value is zero', ({ sample: { threads, threadLimit } }) => (threads === undefined ? undefined : (threadLimit ?? 0))),
    { name: 'container_scrape_error', help: '1 if there was an error while getting container metrics, 0 otherwise', type: 'gauge', values: [{ value: 0 }] },
    { name: 'machine_cpu_cores', help: 'Number of logical CPU cores.', type: 'gauge', values: [{ value: node.machine.cpus }] },
    { name: 'machine_cpu_physical_cores', help: 'Number of physical CPU cores.', type: 'gauge', values: [{ value: node.machine.cores }] },
    { name: 'machine_cpu_sockets', help: 'Number of CPU sockets.', type: 'gauge', values: [{ value: node.machine.sockets }] },
    { name: 'machine_memory_bytes', help: 'Amount of memory installed on the machine.', type: 'gauge', values: [{ value: node.machine.memoryBytes }] },
  ];
}

function counted({ pod: { metadata } }: PodSample, part: ContainerSample, { layers, images, imageDevice = '' }: DiskUse): Counted {
  const { container, sample, interfaces, name, path } = part;
  const written = layers.get(container.id)?.bytes;
  return {
    labels: labelsOf({ container: container.name, id: path, image: container.image, name, namespace: metadata.namespace, pod: metadata.name }),
    sample,
    startedAt: container.createdAt,
    interfaces,
    io: sample.io,
    fileSystems: written === undefined || images === undefined ? [] : [{ device: imageDevice, capacity: images.capacity, used: written }],
  };
}

/** All series have the same labels; those of the machine are empty. */
function labelsOf(labels: Partial<Record<'container' | 'id' | 'image' | 'name' | 'namespace' | 'pod', string>>): Record<string, string> {
  return { container: '', id: '/', image: '', name: '', namespace: '', pod: '', ...labels };
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The kubelet counts CPUs together, under this label. */
function total(metric: Metric): Metric {
  return { ...metric, values: metric.values.map((value) => ({ ...value, labels: sorted({ ...value.labels, cpu: 'total' }) })) };
}

/** What is set and not counted has no time. */
function timeless(metric: Metric): Metric {
  return { ...metric, values: metric.values.map(({ labels, value }) => ({ value, ...(labels !== undefined && { labels }) })) };
}

function failures(all: readonly Counted[]): Metric {
  const values = all.flatMap(({ labels, sample: { at, memory } }) =>
    ([['pgfault', memory.pageFaults], ['pgmajfault', memory.majorPageFaults]] as const).flatMap(([type, value]): Value[] => {
      if (value === undefined) return [];
      const of = (scope: string): Value => ({ labels: sorted({ ...labels, failure_type: type, scope }), value, at });
      return [of('container'), of('hierarchy')];
    }),
  );
  return { name: 'container_memory_failures_total', help: 'Cumulative count of memory allocation failures.', type: 'counter', values };
}
