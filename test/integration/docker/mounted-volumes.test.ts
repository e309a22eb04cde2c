/** Volumes that are somebody else's files: persistent volumes behind claims, and file servers. Real mounts, a real Engine. */
import { readdirSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import type { ClaimedVolume, ValidPod } from '../../../src/pod/index.ts';
import { containerMounts, mountedVolumes, prepareVolumes, removePodFiles, removePodVolumes, removeRootDirectory } from '../../../src/volumes/index.ts';
import { mountCommand } from '../../../src/volumes/mount-command.ts';
import { mountNfs, nfsMount } from '../../../src/volumes/nfs.ts';
import { setOwnership } from '../../../src/volumes/ownership.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

let dir = '';
let rootDir = '';
let data = '';
let warnings: string[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-mounted-'));
  [rootDir, data] = [join(dir, 'root'), join(dir, 'data')];
  warnings = [];
  await mkdir(join(data, 'sub'), { recursive: true });
  await writeFile(join(data, 'file'), 'precious', { mode: 0o600 });
});
afterEach(async () => {
  await removeRootDirectory(rootDir);
  expect(await mounted()).toEqual([]);
  expect(await readFile(join(data, 'file'), 'utf8')).toBe('precious');
  await rm(dir, { recursive: true });
});

const mounted = async (): Promise<string[]> => (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(dir));
const modeOf = async (path: string): Promise<[number, number, string]> => stat(path).then(({ uid, gid, mode }) => [uid, gid, (mode & 0o7777).toString(8)]);

const VOLUME = { name: 'v', persistentVolumeClaim: { claimName: 'data' } };
const local = (more: Partial<ClaimedVolume> = {}): ClaimedVolume => ({ name: 'pv', source: { kind: 'local', path: data }, readOnly: false, mountOptions: [], here: true, ...more });
const aPod = (securityContext: ValidPod['spec']['securityContext'] = {}): ValidPod => us.pod({ volumes: [VOLUME], securityContext });
const prepare = async (pod: ValidPod, claimed: ClaimedVolume): Promise<string> =>
  (await prepareVolumes({ rootDir, pod, claimed: () => claimed, warn: (reason, message) => warnings.push(`${reason} ${message}`) })).get('v') ?? '';

describe('a local volume behind a claim', () => {
  it('is mounted once for a pod, and goes with it while the files stay', async () => {
    const pod = aPod();
    const path = await prepare(pod, local());
    expect(path).toBe(join(rootDir, 'pods', pod.metadata.uid, 'volumes/kubernetes.io~local-volume/v'));
    expect(await prepare(pod, local())).toBe(path);
    expect(await mounted()).toHaveLength(1);
    expect(await mountedVolumes(rootDir)).toEqual([{ uid: pod.metadata.uid, name: 'v', path, remote: false }]);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('precious');
    await removePodFiles(rootDir, pod.metadata.uid);
    expect(await mounted()).toEqual([]);
    expect(await mountedVolumes(rootDir)).toEqual([]);
  });

  it('is a container’s with its group, through a subPath too, and read-only where the claim is', async () => {
    const pod = aPod({ fsGroup: 4242, runAsUser: 1000 });
    const volumes = new Map([['v', await prepare(pod, local())]]);
    const container = { name: 'main', volumeMounts: [{ name: 'v', mountPath: '/v' }, { name: 'v', mountPath: '/made', subPath: 'made/here' }] };
    const mounts = (of: ValidPod): ReturnType<typeof containerMounts> => containerMounts({ rootDir, pod: of, container, volumes, subPath: ({ subPath }) => subPath });
    const id = await engine.create(us.config(pod, await us.sandbox(pod), { command: ['sh', '-c', 'cat /v/file; touch /v/sub/new /made/new; ls -ln /v/sub/new /made/new | cut -d" " -f1'] }, { mounts: await mounts(pod) }));
    await engine.start(id);
    expect(await us.outputOf(id)).toBe('precious-rw-r--r--\n-rw-r--r--\n');
    expect(await modeOf(join(data, 'sub/new'))).toEqual([1000, 4242, '644']);
    expect(await modeOf(join(data, 'made/here/new'))).toEqual([1000, 4242, '644']);
    const readOnly = { ...pod, spec: { ...pod.spec, volumes: [{ ...VOLUME, persistentVolumeClaim: { claimName: 'data', readOnly: true } }] } };
    expect((await mounts(readOnly)).map((mount) => mount.readOnly)).toEqual([true, true]);
  });

  it('that is read-only cannot be written, and keeps its owners', async () => {
    const before = await modeOf(data);
    const path = await prepare(aPod({ fsGroup: 4242 }), local({ readOnly: true, mountOptions: ['noatime'] }));
    await expect(writeFile(join(path, 'new'), 'x')).rejects.toMatchObject({ code: 'EROFS' });
    expect((await mounted())[0]).toMatch(/ ro,(?=.*noatime)/);
    expect(await modeOf(data)).toEqual(before);
  });

  it('keeps the group of the pod that has it already, and the other pod is told', async () => {
    await prepare(aPod({ fsGroup: 4242 }), local());
    await prepare(aPod({ fsGroup: 4242 }), local());
    expect(warnings).toEqual([]);
    await prepare(aPod({ fsGroup: 77 }), local());
    expect(warnings).toEqual(['AlreadyMountedVolume The requested fsGroup is 77, but the volume pv has GID 4242. The volume may not be shareable.']);
    expect((await modeOf(data))[1]).toBe(4242);
  });

  it('is unmounted although its user is still there, and when its pod is of an earlier run', async () => {
    const pod = aPod();
    const user = spawn('sh', ['-c', 'echo in; read end'], { cwd: await prepare(pod, local()) });
    try {
      await once(user.stdout, 'data');
      await removePodVolumes(rootDir, pod.metadata.uid);
      expect(await mounted()).toEqual([]);
      await prepare(aPod(), local());
      await removeRootDirectory(rootDir);
      expect(await mounted()).toEqual([]);
    } finally {
      user.stdin.end();
      await once(user, 'exit');
    }
  });

  it.each<[string, Partial<ClaimedVolume>]>([
    ['MountVolume.NewMounter initialization failed for volume "pv" : path "/no/such" does not exist', { source: { kind: 'local', path: '/no/such' } }],
    ['MountVolume.NewMounter initialization failed for volume "pv" : only directory and block device are supported', { source: { kind: 'local', path: '/etc/hostname' } }],
    ['MountVolume.NodeAffinity check failed for volume "pv" : no matching NodeSelectorTerms', { here: false }],
    ['MountVolume.MountOptionSupport check failed for volume "pv" : mount options are not supported for this volume type', { source: { kind: 'hostPath', path: '/etc', type: '' }, mountOptions: ['ro'] }],
    ['MountVolume.SetUp failed for volume "pv" : hostPath type check failed: /etc/hostname is not a directory', { source: { kind: 'hostPath', path: '/etc/hostname', type: 'Directory' } }],
  ])('is refused: %s', async (message, more) => {
    await expect(prepare(aPod(), local(more))).rejects.toMatchObject({ code: 'workload', message });
    expect(await mounted()).toEqual([]);
  });

  it('that cannot be mounted leaves nothing behind', async () => {
    const pod = aPod();
    await expect(prepare(pod, local({ mountOptions: ['nonsense=1', 'remount'] }))).rejects.toMatchObject({ code: 'internal', message: expect.stringMatching(/^MountVolume\.SetUp failed for volume "pv" : mount /) as string });
    expect(await mounted()).toEqual([]);
    expect(await readdir(join(rootDir, 'pods', pod.metadata.uid, 'volumes/kubernetes.io~local-volume'))).toEqual([]);
  });
});

it('a hostPath volume behind a claim is the path itself', async () => {
  expect(await prepare(aPod({ fsGroup: 4242 }), local({ source: { kind: 'hostPath', path: data, type: 'Directory' } }))).toBe(data);
  expect((await modeOf(data))[1]).toBe(0);
});

describe('the group of a volume', () => {
  it('is that of all that is in it, and what a link leads to is spared', async () => {
    await writeFile(join(dir, 'other'), 'x', { mode: 0o600 });
    await symlink(join(dir, 'other'), join(data, 'link'));
    await symlink(dir, join(data, 'sub/up'));
    await setOwnership(data, { group: 4242, onRootMismatch: false });
    expect(await modeOf(data)).toEqual([0, 4242, '2775']);
    expect(await modeOf(join(data, 'sub'))).toEqual([0, 4242, '2775']);
    expect(await modeOf(join(data, 'file'))).toEqual([0, 4242, '660']);
    expect(await modeOf(join(dir, 'other'))).toEqual([0, 0, '600']);
    expect((await lstat(join(data, 'link'))).gid).toBe(0);
    expect((await stat(dir)).gid).toBe(0);
  });

  it('is that of however many and however deep files, with few files open, also of those that are mounted in it', async () => {
    let deepest = data;
    for (let i = 0; i < 40; i++) await mkdir((deepest = join(deepest, 'd'.repeat(90))));
    await writeFile(join(deepest, 'file'), 'x', { mode: 0o600 });
    for (let i = 0; i < 60; i++) await rename(data, `${data}.below`).then(() => mkdir(data)).then(() => rename(`${data}.below`, join(data, 'u'.repeat(90))));
    await mkdir(join(data, 'many'));
    await Promise.all(Array.from({ length: 2000 }, (_none, i) => writeFile(join(data, 'many', `${i}`), 'x')));
    await mkdir(join(data, 'mounted'));
    await mountCommand('mount', ['-t', 'tmpfs', 'none', join(data, 'mounted')]);
    try {
      await writeFile(join(data, 'mounted', 'file'), 'x', { mode: 0o600 });
      const openFiles = (): number => readdirSync('/proc/self/fd').length;
      const before = openFiles();
      let most = 0;
      const watch = setInterval(() => (most = Math.max(most, openFiles())), 1);
      await setOwnership(data, { group: 4242, onRootMismatch: true });
      clearInterval(watch);
      expect(most - before).toBeLessThan(80);
      expect(openFiles()).toBe(before);
      expect(await modeOf(data)).toEqual([0, 4242, '2775']);
      expect(await modeOf(join(data, 'many', '1999'))).toEqual([0, 4242, '664']);
      expect(await modeOf(join(data, 'mounted', 'file'))).toEqual([0, 4242, '660']);
    } finally {
      await mountCommand('umount', [join(data, 'mounted')]);
    }
    for (let i = 0; i < 60; i++) await rename(data, `${data}.above-${i}`).then(() => rename(join(`${data}.above-${i}`, 'u'.repeat(90)), data));
    expect(await modeOf(join(deepest, 'file'))).toEqual([0, 4242, '660']);
  });

  it('with OnRootMismatch is given only where the volume’s own directory has another, or lacks a right', async () => {
    const wanted = { group: 4242, onRootMismatch: true };
    await setOwnership(data, wanted);
    await writeFile(join(data, 'late'), 'x');
    await setOwnership(data, wanted);
    expect((await stat(join(data, 'late'))).gid).toBe(4242); // by the directory's set-group-id bit
    expect((await modeOf(join(data, 'late')))[2]).toBe('644');
    await setOwnership(data, { ...wanted, onRootMismatch: false });
    expect((await modeOf(join(data, 'late')))[2]).toBe('664');
    await setOwnership(data, { ...wanted, group: 77 });
    expect((await stat(join(data, 'late'))).gid).toBe(77);
  });

  it('takes no device, FIFO or swapped link for something else, and ends with its caller', async () => {
    spawn('mkfifo', [join(data, 'fifo')]).unref();
    await expect(setOwnership(data, { group: 1, onRootMismatch: false }, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    await setOwnership(data, { group: 4242, onRootMismatch: false });
    expect((await modeOf(join(data, 'sub')))[1]).toBe(4242);
  });
});

describe('a file server', () => {
  test.each<[string[], object]>([
    [['-t', 'nfs', '--', 'files:/export'], {}],
    [['-t', 'nfs', '-o', 'nfsvers=4.2,ro', '--', 'files:/export'], { readOnly: true, mountOptions: ['nfsvers=4.2', 'ro'] }],
    [['-t', 'nfs', '--', '[2001:db8::1]:/export'], { server: '2001:db8::1' }],
    [['-t', 'nfs', '--', '-oloop:/export'], { server: '-oloop' }],
  ])('is asked for by %j', (expected, more) => {
    expect(nfsMount({ server: 'files', path: '/export', readOnly: false, mountOptions: [], ...more })).toEqual(expected);
  });

  it('needs a client on the node', async () => {
    const wanted = { server: 'files', path: '/', readOnly: false, mountOptions: [] };
    await expect(mountNfs(join(dir, 'v'), wanted, undefined, join(dir, 'mount.nfs'))).rejects.toMatchObject({
      code: 'workload', message: `mount failed: the node has no ${dir}/mount.nfs, so it cannot mount nfs; install its NFS client (Debian: nfs-common)`,
    });
    await expect(mountNfs(join(dir, 'v'), wanted, AbortSignal.abort(), '/etc/hostname')).rejects.toMatchObject({ code: 'aborted' });
    expect(await readdir(dir)).toEqual(['data']);
  });
});

it('a mount that comes after all was unmounted keeps its files', async () => {
  const pod = aPod();
  const late = join(rootDir, 'pods', pod.metadata.uid, 'volumes/kubernetes.io~nfs/v');
  await mkdir(late, { recursive: true });
  await mountCommand('mount', ['--bind', data, late]);
  const blind = { read: async () => [], unmount: () => Promise.resolve() };
  await expect(removePodFiles(rootDir, pod.metadata.uid, () => blind)).rejects.toMatchObject({ code: 'internal' });
  expect((await readdir(data)).sort()).toEqual(['file', 'sub']);
});

it('a mount deep in the tree, of the very disk that the tree is on, keeps its files, while all around it goes', async () => {
  const pod = aPod();
  const volume = join(rootDir, 'pods', pod.metadata.uid, 'volumes/kubernetes.io~empty-dir/v');
  await mkdir(join(volume, 'deep/er'), { recursive: true });
  await writeFile(join(volume, 'beside'), 'x');
  await mountCommand('mount', ['--bind', data, join(volume, 'deep/er')]);
  const blind = { read: async () => [], unmount: () => Promise.resolve() };
  await expect(removePodFiles(rootDir, pod.metadata.uid, () => blind)).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('EBUSY') as string });
  expect((await readdir(data)).sort()).toEqual(['file', 'sub']);
  expect(await readdir(join(rootDir, 'pods', pod.metadata.uid), { recursive: true })).not.toContainEqual(expect.stringContaining('beside'));
});
