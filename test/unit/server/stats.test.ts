import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/index.ts';
import type { Engine, EngineInfo } from '../../../src/docker/index.ts';
import type { ValidPod } from '../../../src/pod/index.ts';
import { deviceBelow, readBlockDevices } from '../../../src/server/stats/block-devices.ts';
import { cadvisorMetrics } from '../../../src/server/stats/cadvisor-metrics.ts';
import { cgroupsOf, readCgroup } from '../../../src/server/stats/cgroup.ts';
import { DiskMeter } from '../../../src/server/stats/disk-use.ts';
import { exposition } from '../../../src/server/stats/exposition.ts';
import { ImageBytes } from '../../../src/server/stats/image-bytes.ts';
import { interfacesOf, readMachine } from '../../../src/server/stats/machine.ts';
import { MountedFileSystems } from '../../../src/server/stats/mounted-file-systems.ts';
import { resourceMetrics } from '../../../src/server/stats/resource-metrics.ts';
import { rate, Sampler, type ContainerSample, type NodeSample } from '../../../src/server/stats/sampler.ts';
import type { CgroupSample } from '../../../src/server/stats/samples.ts';
import { summaryOf, type DiskUse } from '../../../src/server/stats/summary.ts';
import { logSize, type MountedVolume, type TreeSize } from '../../../src/volumes/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'km-stats-'));
});
afterEach(() => rm(root, { recursive: true }));

async function files(content: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(content)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const V1 = {
  'proc/self/mountinfo': '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n37 31 0:34 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
  'proc/7/cgroup': '5:blkio:/docker/c1\n4:memory:/docker/c1\n3:pids:/docker/c1\n2:cpu,cpuacct:/docker/c1\n0::/docker/c1\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpuacct.usage': '5000000000\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpuacct.stat': 'user 300\nsystem 150\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 7000\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpu.shares': '512\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpu.cfs_period_us': '100000\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cpu.cfs_quota_us': '-1\n',
  'sys/fs/cgroup/memory/docker/c1/memory.usage_in_bytes': '1000\n',
  'sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes': '9223372036854771712\n',
  'sys/fs/cgroup/memory/docker/c1/memory.failcnt': '3\n',
  'sys/fs/cgroup/memory/docker/c1/memory.max_usage_in_bytes': '2000\n',
  'sys/fs/cgroup/memory/docker/c1/memory.stat': 'cache 1\ntotal_cache 400\ntotal_rss 500\ntotal_inactive_file 300\ntotal_pgfault 20\ntotal_pgmajfault 2\ntotal_mapped_file 10\ntotal_swap 0\n',
  'sys/fs/cgroup/cpu,cpuacct/docker/c1/cgroup.procs': '7\n9\n',
  'sys/fs/cgroup/pids/docker/c1/pids.current': '4\n',
  'sys/fs/cgroup/pids/docker/c1/pids.max': '100\n',
  'sys/fs/cgroup/blkio/docker/c1/blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:0 Total 12288\nTotal 12288\n',
  'sys/fs/cgroup/blkio/docker/c1/blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
};

const V2 = {
  'proc/self/mountinfo': '41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n',
  'proc/7/cgroup': '0::/system.slice/docker-c1.scope\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/cpu.stat': 'usage_usec 5000000\nuser_usec 3000000\nsystem_usec 2000000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/cpu.weight': '20\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/cpu.max': '50000 100000\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/memory.current': '1000\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/memory.max': '4096\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/memory.stat': 'anon 500\nfile 400\nfile_mapped 10\ninactive_file 1300\npgfault 20\npgmajfault 2\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/memory.events': 'low 0\nhigh 0\nmax 3\noom 0\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/memory.swap.current': '0\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/cgroup.procs': '7\n9\n10\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/pids.current': '4\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/pids.max': 'max\n',
  'sys/fs/cgroup/system.slice/docker-c1.scope/io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
};

const IO = [{ device: '8:0', readBytes: 4096, writtenBytes: 8192, reads: 1, writes: 2 }];

async function sampleOf(pid: number): Promise<CgroupSample | undefined> {
  const folders = await cgroupsOf(pid, root);
  return folders && readCgroup(folders, 77);
}

describe('a container\'s cgroups', () => {
  it('of version 1', async () => {
    await files(V1);
    expect(await sampleOf(7)).toEqual({
      at: 77,
      cpu: { usageNs: 5e9, userNs: 3e9, systemNs: 1.5e9, periods: 10, throttledPeriods: 4, throttledNs: 7000, shares: 512, periodUs: 100_000 },
      memory: { usage: 1000, workingSet: 700, rss: 500, cache: 400, mapped: 10, swap: 0, peak: 2000, limitFailures: 3, pageFaults: 20, majorPageFaults: 2 },
      processes: 2,
      threads: 4,
      threadLimit: 100,
      io: IO,
    });
  });

  it('of version 2', async () => {
    await files(V2);
    expect(await sampleOf(7)).toEqual({
      at: 77,
      cpu: { usageNs: 5e9, userNs: 3e9, systemNs: 2e9, periods: 10, throttledPeriods: 4, throttledNs: 7000, shares: 500, periodUs: 100_000, quotaUs: 50_000 },
      memory: { usage: 1000, workingSet: 0, rss: 500, cache: 400, mapped: 10, swap: 0, limitFailures: 3, pageFaults: 20, majorPageFaults: 2, limit: 4096 },
      processes: 3,
      threads: 4,
      io: IO,
    });
  });

  it('are found where only a part of the hierarchy is mounted', async () => {
    await files({ ...V2, 'proc/self/mountinfo': '41 31 0:38 /system.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', 'sys/fs/cgroup/docker-c1.scope/cpu.stat': 'usage_usec 1\n', 'sys/fs/cgroup/docker-c1.scope/memory.current': '2\n' });
    expect(await sampleOf(7)).toMatchObject({ cpu: { usageNs: 1000 }, memory: { usage: 2 } });
  });

  it('are nothing for a process that is gone', async () => {
    await files(V1);
    expect(await sampleOf(8)).toBeUndefined();
    await rm(join(root, 'sys'), { recursive: true });
    expect(await sampleOf(7)).toBeUndefined();
  });
});

it('the machine is read from /proc', async () => {
  await files({
    'proc/stat': 'cpu  100 20 30 4000 50 6 7 8 9 9\ncpu0 1 2\ncpu1 1 2\nbtime 1700000000\n',
    'proc/meminfo': 'MemTotal: 1000 kB\nMemFree: 400 kB\nInactive(file): 100 kB\nAnonPages: 50 kB\nCached: 60 kB\nBuffers: 5 kB\n',
    'proc/cpuinfo': [[0, 0, 0], [1, 0, 0], [2, 0, 1], [3, 1, 0]].map(([cpu, socket, core]) => `processor\t: ${cpu}\nphysical id\t: ${socket}\nsiblings\t: 2\ncore id\t\t: ${core}\ncpu cores\t: 2\n`).join('\n'),
    'proc/vmstat': 'pgfault 11\npgmajfault 2\n',
    'proc/9/net/dev': 'Inter-| Receive | Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0:100 2 3 4 0 0 0 0 500 6 7 8 0 0 0 0\nveth12: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n',
  });
  const { sample, ...machine } = await readMachine(5, root);
  expect(machine).toEqual({ memoryBytes: 1_024_000, cpus: 2, cores: 3, sockets: 2, bootedAt: 1_700_000_000_000 });
  await writeFile(join(root, 'proc/cpuinfo'), 'processor\t: 0\nBogoMIPS\t: 50.00\n');
  expect(await readMachine(5, root)).toMatchObject({ cores: 2, sockets: 1 });
  expect(sample).toMatchObject({ at: 5, cpu: { usageNs: 171e7 }, memory: { usage: 614_400, workingSet: 512_000, rss: 51_200, cache: 66_560, pageFaults: 11, limit: 1_024_000 } });
  expect(await interfacesOf(9, root)).toEqual([{ name: 'eth0', rxBytes: 100, rxPackets: 2, rxErrors: 3, rxDropped: 4, txBytes: 500, txPackets: 6, txErrors: 7, txDropped: 8 }]);
});

describe('what a tree takes', () => {
  it('is the last figure where there was no time for another one', async () => {
    let [now, hasTime] = [0, true];
    const clock: Clock = {
      now: () => now,
      elapsed: () => now,
      after: (_ms, end) => {
        if (!hasTime) end();
        return () => undefined;
      },
    };
    await files({ 'pods/u1/volumes/kubernetes.io~empty-dir/cache/a': 'x'.repeat(10_000) });
    const meter = new DiskMeter({ rootDir: root, imageDir: root, imageBytes: async () => 7, clock });
    const cache = async (): Promise<TreeSize | undefined> => (await meter.measure(NODE)).volumes.get('u1')?.[0]?.size;
    const whole = await cache();
    expect(whole?.bytes).toBeGreaterThanOrEqual(10_000);
    [now, hasTime] = [60_000, false];
    expect(await cache()).toEqual(whole);
  });

  it('counts a log with its rotated files', async () => {
    await files({ 'l/c.log': 'x'.repeat(5000), 'l/c.log.1': 'x'.repeat(5000), 'l/other.log': 'x'.repeat(5000) });
    expect(await logSize(join(root, 'l/c.log'))).toBe(2 * (await logSize(join(root, 'l/other.log'))));
  });
});

describe('bytes of images', () => {
  it('are asked for once a minute, by however many', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const images = new ImageBytes(async () => (asked += 1) * 100, clock);
    expect(await Promise.all([images.get(), images.get()])).toEqual([100, 100]);
    await clock.advance(59_999);
    expect(await images.get()).toBe(100);
    await clock.advance(1);
    expect(await images.get()).toBe(200);
    expect(clock.pending).toBe(0);
  });

  it('are the last ones known while the Engine hangs or fails, and nobody waits long for it', async () => {
    const clock = new ManualClock();
    const answers = [Promise.resolve(100), new Promise<never>(() => undefined)];
    let asked = 0;
    const images = new ImageBytes(() => answers[asked++] ?? Promise.reject(new Error('asked again')), clock);
    await images.get();
    await clock.advance(60_000);
    const late = [images.get(), images.get()];
    await clock.advance(1_000);
    expect(await Promise.all(late)).toEqual([100, 100]);
    expect(asked).toBe(2);
    expect(await new ImageBytes(() => Promise.reject(new Error('away')), clock).get()).toBeUndefined();
  });
});

describe('volumes that are mounted from elsewhere', () => {
  const mount = (path: string): string => `41 31 0:38 / ${path} rw - nfs4 server:/x rw\n`;
  const POD_WITH_CLAIMS: ValidPod = { ...POD, spec: { ...POD.spec, volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'pvc' } }, { name: 'more', persistentVolumeClaim: { claimName: 'pvc' } }, { name: 'plain', nfs: { server: 's', path: '/' } }] } };

  it('tell how full their file system is, walked they are not', async () => {
    const volumes = join(root, 'pods/u1/volumes');
    const paths = ['kubernetes.io~nfs/data', 'kubernetes.io~local-volume/more', 'kubernetes.io~nfs/plain'].map((path) => join(volumes, path));
    await files({ 'pods/u1/volumes/kubernetes.io~nfs/data/large': 'x'.repeat(100_000), 'pods/u1/volumes/kubernetes.io~nfs/unmounted/x': 'x', 'table': '' });
    for (const path of paths) await mkdir(path, { recursive: true });
    await writeFile(join(root, 'table'), [...paths, join(volumes, 'kubernetes.io~empty-dir/tmpfs'), `${paths[0]}/below`].map(mount).join(''));
    const meter = new DiskMeter({ rootDir: root, imageDir: root, imageBytes: async () => 7, mountTable: join(root, 'table'), clock: systemClock });
    const node = { ...NODE, pods: [{ pod: POD_WITH_CLAIMS, status: {}, sandbox: undefined, containers: [] }] };
    const found = (await meter.measure(node)).volumes.get('u1') ?? [];
    expect(found.map(({ name, claim, ephemeral }) => [name, claim, ephemeral])).toEqual([['data', 'pvc', false], ['more', 'pvc', false], ['plain', undefined, false]]);
    for (const { fileSystem, size } of found) expect(size).toEqual({ bytes: fileSystem.used, inodes: fileSystem.inodes - fileSystem.inodesFree, whole: true });
    const claims = await meter.claims([POD_WITH_CLAIMS, { ...POD_WITH_CLAIMS, metadata: { ...POD.metadata, uid: 'u9' } }]);
    expect(claims).toEqual([{ namespace: 'ns', claim: 'pvc', fileSystem: expect.objectContaining({ capacity: found[0]?.fileSystem.capacity }) as unknown }]);
    await writeFile(join(root, 'table'), '');
    expect(await meter.claims([POD_WITH_CLAIMS])).toEqual([]);
  });

  it('are passed over while their server does not answer, which holds one thread and no reader', async () => {
    const clock = new ManualClock();
    const servers = new Map<string, PromiseWithResolvers<typeof FS>>();
    const looks: string[] = [];
    const meter = new MountedFileSystems(clock, (path) => {
      looks.push(path);
      return (servers.get(path) ?? Promise.withResolvers<typeof FS>()).promise;
    });
    const volume = (path: string, remote = true): MountedVolume => ({ uid: 'u', name: path, path, remote });
    const [hung, behind, local] = [volume('hung'), volume('behind'), volume('local', false)];
    for (const { path } of [hung, behind, local]) servers.set(path, Promise.withResolvers());
    servers.get('local')?.resolve(FS);
    servers.get('behind')?.resolve(FS);
    const ask = async (): Promise<string[]> => {
      const asked = meter.of([hung, behind, local]);
      await clock.advance(1_000);
      return [...(await asked).keys()];
    };
    expect(await ask()).toEqual(['local']);
    expect(await ask()).toEqual(['local']);
    expect(looks).toEqual(['local', 'hung', 'local']);
    servers.get('hung')?.resolve(FS);
    expect([...(await meter.of([hung, behind, local])).keys()].sort()).toEqual(['behind', 'hung', 'local']);
    expect([...(await meter.of([local])).keys()]).toEqual(['local']);
  });
});

it('block devices have the names that people know, and the file systems that are on them', async () => {
  await files({
    'proc/diskstats': '   8       0 sda 1 0 8 0 2 0 16 0 0 0 0\n   8       1 sda1 1 0 8 0 2 0 16 0 0 0 0\n   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n',
    'proc/self/mountinfo': `22 1 8:1 / ${root} rw - ext4 /dev/root rw\n23 22 8:1 / ${root}/again rw - ext4 /dev/root rw\n24 22 0:5 / ${root}/sys rw - tmpfs tmpfs rw\n`,
    'sys/block/sda/size': '1',
    'sys/block/loop0/size': '0',
  });
  const found = await readBlockDevices(root);
  expect(found.names.get('8:0')).toBe('/dev/sda');
  expect(found.io).toEqual(IO);
  expect(found.fileSystems).toMatchObject([{ device: '/dev/sda1', path: root }]);
  expect(deviceBelow(`${root}/docker`, found)).toBe('/dev/sda1');
  expect(deviceBelow('/elsewhere', found)).toBeUndefined();
});

const AT = Date.UTC(2020, 0, 1, 0, 1, 0, 250);
const sample = (usageNs: number, memory = 1000, at = AT): CgroupSample => ({ at, processes: 2, threads: 5, cpu: { usageNs }, memory: { usage: memory * 2, workingSet: memory, rss: memory, pageFaults: 1, majorPageFaults: 0 }, io: [] });

const counted = (name: string, kind: 'sandbox' | 'container', usageNs: number): ContainerSample => ({
  container: { id: name, kind, name, attempt: 0, state: 'running', image: 'img', imageId: 'x', hash: 'h', createdAt: AT - 60_000, startedAt: AT - 50_000, oomKilled: false },
  name: `k8s_${name}`,
  path: `/docker/${name}`,
  sample: sample(usageNs),
  nanoCores: usageNs / 1000,
  logPath: '',
  interfaces: kind === 'sandbox' ? [{ name: 'eth0', rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4, txBytes: 5, txPackets: 6, txErrors: 7, txDropped: 8 }] : [],
});

const POD: ValidPod = { metadata: { name: 'web', namespace: 'ns', uid: 'u1' }, spec: { containers: [{ name: 'main' }], restartPolicy: 'Always', terminationGracePeriodSeconds: 30 } };
const NODE: NodeSample = {
  at: AT,
  machine: { sample: { ...sample(9e9), memory: { usage: 100, workingSet: 90, limit: 1000 } }, memoryBytes: 1000, cpus: 2, cores: 1, sockets: 1, bootedAt: AT - 3_600_000 },
  nanoCores: 5e8,
  interfaces: [],
  pods: [
    { pod: POD, status: { startTime: '2020-01-01T00:00:00Z' }, sandbox: counted('POD', 'sandbox', 1e9), containers: [counted('main', 'container', 2e9)] },
    { pod: { ...POD, metadata: { name: 'done', namespace: 'ns', uid: 'u2' } }, status: {}, sandbox: undefined, containers: [] },
  ],
};
const FACTS = { nodeName: 'n1', startedAt: AT - 10_000, own: { sample: sample(1e8), nanoCores: 1 } };
const FS = { capacity: 1000, available: 400, used: 500, inodes: 10, inodesFree: 4 };
const DISKS: DiskUse = {
  root: FS,
  images: FS,
  imageBytes: 321,
  layers: new Map([['main', { bytes: 70, inodes: 3, whole: true }]]),
  logs: new Map([['main', 11]]),
  volumes: new Map([['u1', [{ name: 'cache', fileSystem: FS, size: { bytes: 5, inodes: 1, whole: true }, ephemeral: true }, { name: 'token', fileSystem: FS, size: { bytes: 99, inodes: 9, whole: true }, ephemeral: false }, { name: 'data', fileSystem: FS, size: { bytes: 500, inodes: 6, whole: true }, ephemeral: false, claim: 'pvc' }]]]),
  processes: { max: 32_768, running: 100 },
  devices: { names: new Map([['8:0', '/dev/sda']]), io: IO, fileSystems: [{ ...FS, device: '/dev/sda1', path: '/' }] },
  imageDevice: '/dev/sda1',
};

describe('the summary', () => {
  it('with CPU and memory alone has what metrics-server reads of it', () => {
    const summary = JSON.parse(JSON.stringify(summaryOf(NODE, FACTS, undefined))) as { node: Record<string, unknown>; pods: Record<string, unknown>[] };
    const time = '2020-01-01T00:01:00Z';
    expect(summary.node).toEqual({
      nodeName: 'n1',
      startTime: '2019-12-31T23:01:00Z',
      systemContainers: expect.arrayContaining([expect.objectContaining({ name: 'kubelet' }), expect.objectContaining({ name: 'pods' })]) as unknown,
      cpu: { time, usageNanoCores: 5e8, usageCoreNanoSeconds: 9e9 },
      memory: { time, availableBytes: 910, usageBytes: 100, workingSetBytes: 90 },
    });
    expect(summary.pods).toEqual([
      {
        podRef: { name: 'web', namespace: 'ns', uid: 'u1' },
        startTime: '2020-01-01T00:00:00Z',
        cpu: { time, usageNanoCores: 3e6, usageCoreNanoSeconds: 3e9 },
        memory: { time, usageBytes: 4000, workingSetBytes: 2000, rssBytes: 2000, pageFaults: 2, majorPageFaults: 0 },
        containers: [
          {
            name: 'main',
            startTime: '2020-01-01T00:00:10Z',
            cpu: { time, usageNanoCores: 2e6, usageCoreNanoSeconds: 2e9 },
            memory: { time, usageBytes: 2000, workingSetBytes: 1000, rssBytes: 1000, pageFaults: 1, majorPageFaults: 0 },
          },
        ],
      },
    ]);
  });

  it('has disks, volumes and networks beside', () => {
    const summary = JSON.parse(JSON.stringify(summaryOf(NODE, FACTS, DISKS))) as { node: unknown; pods: [Record<string, unknown>] };
    expect(summary.node).toMatchObject({ fs: { capacityBytes: 1000, availableBytes: 400, usedBytes: 500, inodesUsed: 6 }, runtime: { imageFs: { capacityBytes: 1000, usedBytes: 321, inodesUsed: 6 } }, rlimit: { maxpid: 32_768, curproc: 100 } });
    expect(summary.pods[0]).toMatchObject({
      network: { name: 'eth0', rxBytes: 1, txErrors: 7, interfaces: [{ name: 'eth0', rxBytes: 1 }] },
      volume: [{ name: 'cache', usedBytes: 5, capacityBytes: 1000 }, { name: 'token', usedBytes: 99 }, { name: 'data', usedBytes: 500, inodesUsed: 6, pvcRef: { name: 'pvc', namespace: 'ns' } }],
      'ephemeral-storage': { usedBytes: 70 + 11 + 5, inodesUsed: 4 },
      containers: [{ rootfs: { usedBytes: 70, inodesUsed: 3 }, logs: { usedBytes: 11 } }],
    });
  });
});

/** Prometheus' text, as metrics-server takes it apart: name and labels, value, milliseconds. */
function series(text: string): Map<string, { value: number; at: number | undefined }> {
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [, key = '', value = '', at] = /^(\w+(?:\{.*\})?) (\S+)(?: (\d+))?$/.exec(line) ?? [];
    return [key, { value: Number(value), at: at === undefined ? undefined : Number(at) }];
  }));
}

it('/metrics/resource has all that metrics-server needs, at the time at which it was counted', () => {
  const found = series(exposition(resourceMetrics(NODE)));
  const labels = 'container="main",namespace="ns",pod="web"';
  expect(Object.fromEntries(found)).toEqual({
    'node_cpu_usage_seconds_total': { value: 9, at: AT },
    'node_memory_working_set_bytes': { value: 90, at: AT },
    [`container_cpu_usage_seconds_total{${labels}}`]: { value: 2, at: AT },
    [`container_memory_working_set_bytes{${labels}}`]: { value: 1000, at: AT },
    [`container_start_time_seconds{${labels}}`]: { value: (AT - 50_000) / 1000, at: AT },
    'pod_cpu_usage_seconds_total{namespace="ns",pod="web"}': { value: 3, at: AT },
    'pod_memory_working_set_bytes{namespace="ns",pod="web"}': { value: 2000, at: AT },
    scrape_error: { value: 0, at: undefined },
  });
});

it('/metrics/cadvisor has the series of containers, sandboxes and the machine', () => {
  const found = series(exposition(cadvisorMetrics(NODE, { version: '20.10', kernelVersion: '6', operatingSystem: 'Debian' } as EngineInfo, DISKS)));
  const main = 'id="/docker/main",image="img",name="k8s_main",namespace="ns",pod="web"';
  expect(found.get(`container_cpu_usage_seconds_total{container="main",cpu="total",${main}}`)).toEqual({ value: 2, at: AT });
  expect(found.get(`container_memory_working_set_bytes{container="main",${main}}`)).toEqual({ value: 1000, at: AT });
  expect(found.get(`container_fs_usage_bytes{container="main",device="/dev/sda1",${main}}`)).toEqual({ value: 70, at: AT });
  expect(found.get(`container_fs_limit_bytes{container="main",device="/dev/sda1",${main}}`)).toEqual({ value: 1000, at: AT });
  const machine = (device: string): string => `{container="",device="${device}",id="/",image="",name="",namespace="",pod=""}`;
  expect(found.get(`container_fs_usage_bytes${machine('/dev/sda1')}`)).toEqual({ value: 500, at: AT });
  expect(found.get(`container_fs_inodes_free${machine('/dev/sda1')}`)).toEqual({ value: 4, at: AT });
  expect(found.get(`container_fs_reads_bytes_total${machine('/dev/sda')}`)).toEqual({ value: 4096, at: AT });
  expect(found.get('container_network_receive_bytes_total{container="POD",id="/docker/POD",image="img",interface="eth0",name="k8s_POD",namespace="ns",pod="web"}')).toEqual({ value: 1, at: AT });
  expect(found.get('container_cpu_usage_seconds_total{container="",cpu="total",id="/",image="",name="",namespace="",pod=""}')).toEqual({ value: 9, at: AT });
  expect(found.get(`container_processes{container="main",${main}}`)).toEqual({ value: 2, at: AT });
  expect(found.get(`container_threads{container="main",${main}}`)).toEqual({ value: 5, at: AT });
  expect(found.get(`container_threads_max{container="main",${main}}`)).toEqual({ value: 0, at: AT });
  expect(found.get('machine_cpu_physical_cores')).toEqual({ value: 1, at: undefined });
  expect(found.get('machine_cpu_cores')).toEqual({ value: 2, at: undefined });
});

it('the text format escapes what labels may hold', () => {
  const text = exposition([
    { name: 'a', help: 'h', type: 'gauge', values: [{ labels: { l: 'q"b\\n\n' }, value: 1.5 }, { value: Infinity }, { value: NaN }] },
    { name: 'empty', help: 'h', type: 'gauge', values: [] },
  ]);
  expect(text).toBe('# HELP a h\n# TYPE a gauge\na{l="q\\"b\\\\n\\n"} 1.5\na +Inf\na NaN\n');
});

it.each([
  [sample(0, 1, 0), sample(1e9, 1, 1000), 1e9],
  [sample(0, 1, 0), sample(5e8, 1, 2000), 2.5e8],
  [sample(5, 1, 0), sample(0, 1, 2000), 0],
  [undefined, sample(1, 1, 1), 0],
  [sample(1, 1, 5), sample(9, 1, 5), 0],
])('the rate between %j and %j is %d', (before, now, wanted) => {
  expect(rate(before, now)).toBe(wanted);
});

describe('sampling', () => {
  it('costs nothing until somebody asks, then a look at each container once, and is shared', async () => {
    const clock = new ManualClock(Date.now());
    const inspected: string[] = [];
    const engine = { inspect: async (id: string) => {
      inspected.push(id);
      return { pid: process.pid, name: 'k8s_x', logPath: '' };
    } } as unknown as Engine;
    const container = { ...counted('main', 'container', 1).container, id: 'c1' };
    const pods = { find: () => undefined, all: () => [{ pod: POD, status: {}, observed: { uid: 'u1', sandboxes: [], containers: [container, { ...container, id: 'dead', state: 'exited' as const }] } }] };
    const sampler = new Sampler({ engine, pods, clock });
    expect([inspected, clock.pending]).toEqual([[], 0]);
    const asked = [sampler.sample(), sampler.sample()];
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(250);
    const [first, second] = await Promise.all(asked);
    expect(second).toBe(first);
    expect(inspected).toEqual(['c1']);
    expect(first?.pods[0]?.containers.map(({ container: { id } }) => id)).toEqual(['c1']);
    expect(first?.machine.sample.cpu.usageNs).toBeGreaterThan(0);
    await clock.advance(3000);
    expect((await sampler.sample()).at).toBeGreaterThan(first?.at ?? Infinity);
    expect([inspected, clock.pending]).toEqual([['c1'], 0]);
  });

  it('leaves out what it cannot read', async () => {
    const clock = new ManualClock(Date.now());
    const engine = { inspect: () => Promise.reject(new Error('gone')) } as unknown as Engine;
    const container = counted('main', 'container', 1).container;
    const pods = { find: () => undefined, all: () => [{ pod: POD, status: {}, observed: { uid: 'u1', sandboxes: [], containers: [container] } }] };
    const asked = new Sampler({ engine, pods, clock }).sample();
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(250);
    expect((await asked).pods[0]?.containers).toEqual([]);
  });
});
