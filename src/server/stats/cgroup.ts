import { join } from 'node:path';
import { numberOf, textOf, valuesIn } from './files.ts';
import type { CgroupSample, CpuSample, IoSample, MemorySample } from './samples.ts';

/** Where the controllers of one process count: folders; v1 has one for each, v2 one for all. */
export type CgroupFolders = { readonly version: 1; readonly folder: (controller: string) => string | undefined; readonly path: string } | { readonly version: 2; readonly folder: string; readonly path: string };

/** A limit of v1 above which there is none: the kernel rounds "no limit" to whole pages below 2^63. */
const NO_LIMIT = 2 ** 62;
const NS_PER_TICK = 1e7;

/**
 * The cgroups of a process, as far as they are mounted here; `undefined` when it is gone or has none. Where both versions are mounted v1
 * counts, as long as it has the memory controller. `root` is where /proc and /sys are.
 */
export async function cgroupsOf(pid: number, root = ''): Promise<CgroupFolders | undefined> {
  const [own, mountinfo] = await Promise.all([textOf(`${root}/proc/${pid}/cgroup`), textOf(`${root}/proc/self/mountinfo`)]);
  const mounts = mountinfo.split('\n').flatMap(cgroupMount);
  const paths = own.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return path === '' ? [] : [{ controllers: controllers.split(','), path }];
  });
  const at = (mount: CgroupMount | undefined, path: string | undefined): string | undefined => {
    if (mount === undefined || path === undefined) return undefined;
    const below = mount.root !== '/' && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
    return join(root, mount.folder, below);
  };
  const v1 = (controller: string): string | undefined =>
    at(mounts.find((mount) => mount.version === 1 && mount.controllers.includes(controller)), paths.find(({ controllers }) => controllers.includes(controller))?.path);
  const memory = paths.find(({ controllers }) => controllers.includes('memory'));
  if (memory !== undefined && v1('memory') !== undefined) return { version: 1, folder: v1, path: memory.path };
  const unified = paths.find(({ controllers }) => controllers.join() === '');
  const folder = at(mounts.find((mount) => mount.version === 2), unified?.path);
  return folder === undefined || unified === undefined ? undefined : { version: 2, folder, path: unified.path };
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly folder: string;
  readonly controllers: readonly string[];
}

function cgroupMount(line: string): CgroupMount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '/', folder = ''] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  if (type === 'cgroup') return [{ version: 1, root, folder, controllers: options.split(',') }];
  return type === 'cgroup2' ? [{ version: 2, root, folder, controllers: [] }] : [];
}

/** What its cgroups have counted; `undefined` when they are gone. */
export async function readCgroup(folders: CgroupFolders, at: number): Promise<CgroupSample | undefined> {
  return folders.version === 1 ? readV1(folders.folder, at) : readV2(folders.folder, at);
}

async function readV1(folder: (controller: string) => string | undefined, at: number): Promise<CgroupSample | undefined> {
  const file = (controller: string, name: string): string => join(folder(controller) ?? '/nonexistent', name);
  const [usageNs, ticks, throttling, shares, periodUs, quotaUs, usage, stat, peak, limitFailures, limit, procs, threads, threadLimit, ioBytes, ioCounts] = await Promise.all([
    numberOf(file('cpuacct', 'cpuacct.usage')),
    textOf(file('cpuacct', 'cpuacct.stat')),
    textOf(file('cpu', 'cpu.stat')),
    numberOf(file('cpu', 'cpu.shares')),
    numberOf(file('cpu', 'cpu.cfs_period_us')),
    numberOf(file('cpu', 'cpu.cfs_quota_us')),
    numberOf(file('memory', 'memory.usage_in_bytes')),
    textOf(file('memory', 'memory.stat')),
    numberOf(file('memory', 'memory.max_usage_in_bytes')),
    numberOf(file('memory', 'memory.failcnt')),
    numberOf(file('memory', 'memory.limit_in_bytes')),
    textOf(file('cpu', 'cgroup.procs')),
    numberOf(file('pids', 'pids.current')),
    numberOf(file('pids', 'pids.max')),
    textOf(file('blkio', 'blkio.throttle.io_service_bytes_recursive')),
    textOf(file('blkio', 'blkio.throttle.io_serviced_recursive')),
  ]);
  if (usageNs === undefined || usage === undefined) return undefined;
  const [accounted, throttled, memory] = [valuesIn(ticks), valuesIn(throttling), valuesIn(stat)];
  const cpu = defined<CpuSample>({
    usageNs,
    userNs: scaled(accounted.get('user'), NS_PER_TICK),
    systemNs: scaled(accounted.get('system'), NS_PER_TICK),
    periods: throttled.get('nr_periods'),
    throttledPeriods: throttled.get('nr_throttled'),
    throttledNs: throttled.get('throttled_time'),
    shares,
    periodUs,
    quotaUs: quotaUs !== undefined && quotaUs > 0 ? quotaUs : undefined,
  });
  const sample = defined<MemorySample>({
    usage,
    workingSet: Math.max(0, usage - (memory.get('total_inactive_file') ?? 0)),
    rss: memory.get('total_rss'),
    cache: memory.get('total_cache'),
    mapped: memory.get('total_mapped_file'),
    swap: memory.get('total_swap'),
    peak,
    limitFailures,
    pageFaults: memory.get('total_pgfault'),
    majorPageFaults: memory.get('total_pgmajfault'),
    limit: limit !== undefined && limit < NO_LIMIT ? limit : undefined,
  });
  return { at, cpu, memory: sample, io: ioOfV1(ioBytes, ioCounts), ...tasksOf(procs, threads, threadLimit) };
}

async function readV2(folder: string, at: number): Promise<CgroupSample | undefined> {
  const file = (name: string): string => join(folder, name);
  const [cpuStat, weight, max, usage, stat, peak, swap, events, limit, procs, threads, threadLimit, io] = await Promise.all([
    textOf(file('cpu.stat')),
    numberOf(file('cpu.weight')),
    textOf(file('cpu.max')),
    numberOf(file('memory.current')),
    textOf(file('memory.stat')),
    numberOf(file('memory.peak')),
    numberOf(file('memory.swap.current')),
    textOf(file('memory.events')),
    numberOf(file('memory.max')),
    textOf(file('cgroup.procs')),
    numberOf(file('pids.current')),
    numberOf(file('pids.max')),
    textOf(file('io.stat')),
  ]);
  const [cpu, memory] = [valuesIn(cpuStat), valuesIn(stat)];
  const usageUs = cpu.get('usage_usec');
  if (usageUs === undefined || usage === undefined) return undefined;
  const [quota, period] = max.trim().split(' ').map(Number);
  const cpuSample = defined<CpuSample>({
    usageNs: usageUs * 1000,
    userNs: scaled(cpu.get('user_usec'), 1000),
    systemNs: scaled(cpu.get('system_usec'), 1000),
    periods: cpu.get('nr_periods'),
    throttledPeriods: cpu.get('nr_throttled'),
    throttledNs: scaled(cpu.get('throttled_usec'), 1000),
    // The inverse of what runc makes of shares (KEP-2254).
    shares: weight === undefined ? undefined : Math.round(2 + ((weight - 1) * 262_142) / 9_999),
    periodUs: period === undefined || Number.isNaN(period) ? undefined : period,
    quotaUs: quota === undefined || Number.isNaN(quota) ? undefined : quota,
  });
  const sample = defined<MemorySample>({
    usage,
    workingSet: Math.max(0, usage - (memory.get('inactive_file') ?? 0)),
    rss: memory.get('anon'),
    cache: memory.get('file'),
    mapped: memory.get('file_mapped'),
    swap,
    peak,
    limitFailures: valuesIn(events).get('max'),
    pageFaults: memory.get('pgfault'),
    majorPageFaults: memory.get('pgmajfault'),
    limit,
  });
  return { at, cpu: cpuSample, memory: sample, io: ioOfV2(io), ...tasksOf(procs, threads, threadLimit) };
}

/** `procs` has a process a line; what the pids controller counts are threads. */
function tasksOf(procs: string, threads: number | undefined, threadLimit: number | undefined): Pick<CgroupSample, 'processes' | 'threads' | 'threadLimit'> {
  const processes = procs.split('\n').filter((line) => line !== '').length;
  return { processes, ...(threads !== undefined && { threads }), ...(threadLimit !== undefined && { threadLimit }) };
}

/** `8:0 Read 4096` lines of two files. */
function ioOfV1(bytes: string, counts: string): IoSample[] {
  const read = (text: string): Map<string, number> => new Map([...text.matchAll(/^(\d+:\d+) (Read|Write) (\d+)$/gm)].map(([, device, kind, value]) => [`${device} ${kind}`, Number(value)]));
  const [size, number] = [read(bytes), read(counts)];
  const devices = new Set([...size.keys()].map((key) => key.split(' ')[0] ?? ''));
  return [...devices].map((device) => ({
    device,
    readBytes: size.get(`${device} Read`) ?? 0,
    writtenBytes: size.get(`${device} Write`) ?? 0,
    reads: number.get(`${device} Read`) ?? 0,
    writes: number.get(`${device} Write`) ?? 0,
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ...` lines. */
function ioOfV2(text: string): IoSample[] {
  return [...text.matchAll(/^(\d+:\d+) (.*=.*)$/gm)].map(([, device = '', rest = '']) => {
    const values = new Map([...rest.matchAll(/(\w+)=(\d+)/g)].map(([, key, value]) => [key, Number(value)]));
    return { device, readBytes: values.get('rbytes') ?? 0, writtenBytes: values.get('wbytes') ?? 0, reads: values.get('rios') ?? 0, writes: values.get('wios') ?? 0 };
  });
}

const scaled = (value: number | undefined, by: number): number | undefined => (value === undefined ? undefined : value * by);

/** Without the keys whose value is missing. */
function defined<T>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
