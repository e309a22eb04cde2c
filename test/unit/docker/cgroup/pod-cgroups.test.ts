import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { cgroupOf, cgroupSettings, mesosCgroup, PodCgroups, type TaskLimits } from '../../../../src/docker/index.ts';

const V1 = '12:cpu,cpuacct:/mesos/c-1\n5:memory:/mesos/c-1\n1:name=systemd:/mesos/c-1\n0::/system.slice/x\n';

describe('the cgroup of a process', () => {
  test.each<[string, 1 | 2, string | undefined]>([
    [V1, 1, '/mesos/c-1'],
    ['4:hugetlb,memory:/a:b\n', 1, '/a:b'],
    [V1, 2, '/system.slice/x'],
    ['0::/mesos/c-1/leaf\n', 2, '/mesos/c-1/leaf'],
    ['0::/\n', 1, undefined],
    ['', 2, undefined],
    ['noise', 1, undefined],
  ])('%j, version %i', (text, version, path) => {
    expect(cgroupOf(text, version)).toBe(path);
  });

  test.each<[string, string, string | undefined]>([
    ['/mesos/c-1', '/var/mesos/runs/c-1', '/mesos/c-1'],
    ['/mesos/c-1/leaf', '/var/mesos/runs/c-1', '/mesos/c-1'],
    ['/', '/var/mesos/runs/c-1', undefined],
    ['/mesos/c-12', '/var/mesos/runs/c-1', undefined],
    ['/system.slice/mesos-agent.service', '/var/mesos/runs/c-1', undefined],
    ['/mesos/', '/', undefined],
  ])('%s of the container with the sandbox %s is %s', (own, sandbox, cgroup) => {
    expect(mesosCgroup(own, sandbox)).toBe(cgroup);
  });
});

describe('limits', () => {
  test.each<[1 | 2, TaskLimits, string[]]>([
    [1, {}, []],
    [1, { cpus: 0.5, memoryBytes: 2 ** 25 }, ['memory/memory.limit_in_bytes=33554432', 'cpu/cpu.shares=512']],
    [1, { cpus: 0.001, cpuLimit: 0.001 }, ['cpu/cpu.shares=2', 'cpu/cpu.cfs_period_us=100000', 'cpu/cpu.cfs_quota_us=1000']],
    [1, { cpuLimit: 1.5 }, ['cpu/cpu.cfs_period_us=100000', 'cpu/cpu.cfs_quota_us=150000']],
    [2, { cpus: 1, cpuLimit: 2, memoryBytes: 5 }, ['memory/memory.max=5', 'cpu/cpu.weight=39', 'cpu/cpu.max=200000 100000']],
    [2, { cpus: 0.001 }, ['cpu/cpu.weight=1']],
    [2, { cpus: 1000 }, ['cpu/cpu.weight=10000']],
  ])('version %i: %j', (version, limits, settings) => {
    expect(cgroupSettings(version, limits).map(({ controller, file, value }) => `${controller}/${file}=${value}`)).toEqual(settings);
  });
});

describe('cgroups of pods, in folders that stand for the kernel\'s', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'km-cgroups-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const find = (version: 1 | 2, own: string, cgroupDriver = 'cgroupfs'): Promise<PodCgroups> =>
    PodCgroups.find({ engine: { cgroupDriver, cgroupVersion: version }, sandbox: '/runs/c-1', root, ownCgroup: own });

  it('are in every hierarchy that the Engine has made one in, and gone from all of them', async () => {
    const cgroups = await find(1, V1);
    expect(cgroups.of('u-1')).toBe('/mesos/c-1/km_u-1');
    await cgroups.create('u-1', {});
    for (const hierarchy of ['memory', 'cpu', 'pids']) await mkdir(join(root, hierarchy, 'mesos/c-1/km_u-1/container'), { recursive: true });
    await mkdir(join(root, 'pids/mesos/c-0/km_u-1'), { recursive: true }); // of an earlier run
    await mkdir(join(root, 'pids/mesos/c-1/km_u-2'), { recursive: true });
    await cgroups.remove('u-1');
    await cgroups.remove('u-1');
    expect(['memory', 'cpu', 'pids'].filter((hierarchy) => existsSync(join(root, hierarchy, 'mesos/c-1/km_u-1')))).toEqual([]);
    expect(existsSync(join(root, 'pids/mesos/c-0/km_u-1'))).toBe(false);
    expect(existsSync(join(root, 'pids/mesos/c-1/km_u-2'))).toBe(true);
  });

  it('of version 2 are beside the leaf, with their controllers switched on', async () => {
    const cgroups = await find(2, '0::/mesos/c-1/leaf\n');
    await cgroups.create('u-1', { memoryBytes: 7 });
    expect(await readFile(join(root, 'mesos/c-1/km_u-1/memory.max'), 'utf8')).toBe('7');
    expect(await readFile(join(root, 'mesos/c-1/cgroup.subtree_control'), 'utf8')).toBe('+cpu +memory');
  });

  test.each<[string, string, string, RegExp]>([
    ['with the systemd driver', V1, 'systemd', /cgroup driver is systemd/],
    ['outside of a Mesos container', '5:memory:/user.slice\n', 'cgroupfs', /\/user\.slice, which is none of a Mesos container/],
    ['where nothing is known', '', 'cgroupfs', /not known/],
  ])('are not there %s', async (_what, own, driver, message) => {
    await expect(find(1, own, driver)).rejects.toThrow(message);
  });
});
