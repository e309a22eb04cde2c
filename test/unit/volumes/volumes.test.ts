import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Container, ValidPod, Volume, VolumeMount } from '../../../src/pod/index.ts';
import {
  containerLogPath,
  containerMounts,
  createTerminationMessageFile,
  linkContainerLog,
  listPodDirectories,
  podFilesSize,
  prepareVolumes,
  readTerminationMessage,
  removePodFiles,
  removePodLogs,
  removeTerminationMessageFile,
  unlinkContainerLog,
  writeHostsFile,
  writeResolvConf,
} from '../../../src/volumes/index.ts';

const UID = '3f1c8a52-0000-4000-8000-000000000001';
let rootDir = '';
let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-volumes-'));
  rootDir = join(dir, 'root');
});
afterEach(() => rm(dir, { recursive: true }));

function aPod(volumes: Volume[] = []): ValidPod {
  return {
    metadata: { name: 'web', namespace: 'shop', uid: UID },
    spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, containers: [], volumes },
  };
}

const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false);

describe('an emptyDir', () => {
  it.each([
    ['asked for', { name: 'cache', emptyDir: {} }],
    ['for want of anything else', { name: 'cache' }],
  ])('is a directory that everybody may write: %s', async (_what, volume) => {
    const path = (await prepareVolumes({ rootDir, pod: aPod([volume]) })).get('cache') ?? '';
    expect(path).toBe(join(rootDir, 'pods', UID, 'volumes/kubernetes.io~empty-dir/cache'));
    expect((await stat(path)).mode & 0o7777).toBe(0o777);
  });

  it('keeps what is in it when it is prepared again', async () => {
    const pod = aPod([{ name: 'cache', emptyDir: {} }]);
    const path = (await prepareVolumes({ rootDir, pod })).get('cache') ?? '';
    await writeFile(join(path, 'kept'), 'x');
    expect((await prepareVolumes({ rootDir, pod })).get('cache')).toBe(path);
    expect(await readFile(join(path, 'kept'), 'utf8')).toBe('x');
  });

  it('in a medium that is none is refused', async () => {
    const pod = aPod([{ name: 'cache', emptyDir: { medium: 'Paper' } }]);
    await expect(prepareVolumes({ rootDir, pod })).rejects.toMatchObject({ code: 'workload', message: 'MountVolume.SetUp failed for volume "cache" : unknown storage medium "Paper"' });
  });
});

describe('a hostPath', () => {
  const prepare = (path: string, type?: string): Promise<string | undefined> =>
    prepareVolumes({ rootDir, pod: aPod([{ name: 'host', hostPath: { path, ...(type !== undefined && { type }) } }]) }).then((found) => found.get('host'));

  it('without a type is not looked at', async () => {
    expect(await prepare(join(dir, 'not/there'))).toBe(join(dir, 'not/there'));
    expect(await exists(join(dir, 'not'))).toBe(false);
    expect(await prepare('/etc', '')).toBe('/etc');
  });

  it('is made as a directory or file where asked, and left as it is where it is there', async () => {
    await prepare(join(dir, 'a/b'), 'DirectoryOrCreate');
    expect((await stat(join(dir, 'a/b'))).isDirectory()).toBe(true);
    await chmod(join(dir, 'a/b'), 0o700);
    await prepare(join(dir, 'a/b'), 'DirectoryOrCreate');
    expect((await stat(join(dir, 'a/b'))).mode & 0o777).toBe(0o700);
    await prepare(join(dir, 'a/c'), 'FileOrCreate');
    await writeFile(join(dir, 'a/c'), 'kept');
    await prepare(join(dir, 'a/c'), 'FileOrCreate');
    expect(await readFile(join(dir, 'a/c'), 'utf8')).toBe('kept');
  });

  it('is accepted when it is what its type says', async () => {
    await writeFile(join(dir, 'file'), '');
    await symlink(dir, join(dir, 'link'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(dir, 'socket'), resolve));
    try {
      await prepare(dir, 'Directory');
      await prepare(join(dir, 'link'), 'Directory');
      await prepare(join(dir, 'file'), 'File');
      await prepare(join(dir, 'socket'), 'Socket');
      await prepare('/dev/null', 'CharDevice');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it.each([
    ['/etc/hostname', 'Directory', 'a directory'],
    ['/etc/hostname', 'DirectoryOrCreate', 'a directory'],
    ['/etc', 'File', 'a file'],
    ['/etc', 'FileOrCreate', 'a file'],
    ['/no/such', 'File', 'a file'],
    ['/etc', 'Socket', 'a socket file'],
    ['/etc', 'CharDevice', 'a character device'],
    ['/dev/null', 'BlockDevice', 'a block device'],
  ])('%s is refused as a %s', async (path, type, name) => {
    const message = `MountVolume.SetUp failed for volume "host" : hostPath type check failed: ${path} is not ${name}`;
    await expect(prepare(path, type)).rejects.toMatchObject({ code: 'workload', message });
  });

  it('cannot climb', async () => {
    await expect(prepare('/var/../etc')).rejects.toMatchObject({ code: 'workload', message: expect.stringContaining('invalid HostPath `/var/../etc`') as string });
  });
});

it('a kind of volume that is not done is an error that names it', async () => {
  await expect(prepareVolumes({ rootDir, pod: aPod([{ name: 'disk', csi: { driver: 'x' } }]) })).rejects.toMatchObject({
    message: 'MountVolume.SetUp failed for volume "disk" : not supported: csi',
  });
});

it('preparing ends with its caller', async () => {
  const over = (): never => expect.unreachable();
  await expect(prepareVolumes({ rootDir, pod: aPod([{ name: 'cache' }]), signal: AbortSignal.abort(), over })).rejects.toMatchObject({ code: 'aborted' });
});

it('preparing tells of each volume how it went', async () => {
  const told: [string, boolean][] = [];
  const pod = aPod([{ name: 'cache' }, { name: 'disk', csi: { driver: 'x' } }, { name: 'never' }]);
  await prepareVolumes({ rootDir, pod, over: ({ name }, ms, ok) => void (ms >= 0 && told.push([name, ok])) }).catch(() => undefined);
  expect(told).toEqual([['cache', true], ['disk', false]]);
});

describe('what a container sees of the node', () => {
  const mountsOf = (container: Partial<Container>, more: object = {}): ReturnType<typeof containerMounts> =>
    containerMounts({
      rootDir,
      pod: aPod(),
      container: { name: 'main', ...container },
      volumes: new Map([['cache', '/node/cache']]),
      subPath: ({ subPath }) => subPath,
      ...more,
    });

  it.each<[Partial<VolumeMount>, object]>([
    [{}, { readOnly: false, propagation: 'private' }],
    [{ readOnly: true, mountPropagation: 'None' }, { readOnly: true, propagation: 'private' }],
    [{ mountPropagation: 'HostToContainer' }, { propagation: 'rslave' }],
    [{ mountPropagation: 'Bidirectional' }, { propagation: 'rshared' }],
    [{ mountPath: 'relative' }, { containerPath: '/relative' }],
  ])('a mount %o becomes %o', async (mount, expected) => {
    const [found] = await mountsOf({ volumeMounts: [{ name: 'cache', mountPath: '/cache', ...mount }] });
    expect(found).toMatchObject({ hostPath: '/node/cache', containerPath: '/cache', ...expected });
  });

  it('includes its hosts file and the place for its termination message', async () => {
    const files = { hostsFile: '/km/etc-hosts', terminationMessageFile: '/km/message' };
    expect(await mountsOf({ terminationMessagePath: '/dev/termination-log' }, files)).toEqual([
      { hostPath: '/km/etc-hosts', containerPath: '/etc/hosts', readOnly: false, propagation: 'private' },
      { hostPath: '/km/message', containerPath: '/dev/termination-log', readOnly: false, propagation: 'private' },
    ]);
    expect(await mountsOf({ terminationMessagePath: '' }, { terminationMessageFile: '/km/message' })).toEqual([]);
  });

  it('leaves its own /etc/hosts alone', async () => {
    const mounts = await mountsOf({ volumeMounts: [{ name: 'cache', mountPath: '/etc/hosts' }] }, { hostsFile: '/km/etc-hosts' });
    expect(mounts.map(({ hostPath }) => hostPath)).toEqual(['/node/cache']);
  });

  it('cannot be a volume that is not there', async () => {
    await expect(mountsOf({ volumeMounts: [{ name: 'other', mountPath: '/x' }] })).rejects.toMatchObject({
      code: 'workload',
      message: 'cannot find volume "other" to mount into container "main"',
    });
  });
});

describe('the pod’s files', () => {
  it('hosts is written in place, where containers hold it', async () => {
    const path = await writeHostsFile(rootDir, UID, '127.0.0.1 localhost\n');
    expect(path).toBe(join(rootDir, 'pods', UID, 'etc-hosts'));
    const { ino } = await stat(path);
    await writeHostsFile(rootDir, UID, '127.0.0.1 other\n');
    expect(await readFile(path, 'utf8')).toBe('127.0.0.1 other\n');
    expect((await stat(path)).ino).toBe(ino);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  it('the hosts file is written anew where a container has made another one of it, however large', async () => {
    const path = await writeHostsFile(rootDir, UID, '127.0.0.1 localhost\n');
    for (const size of [2 ** 33, 5]) {
      await truncate(path, size);
      await writeHostsFile(rootDir, UID, '127.0.0.1 localhost\n');
      expect(await readFile(path, 'utf8')).toBe('127.0.0.1 localhost\n');
    }
  });

  it('what containers have written into them is known', async () => {
    expect(await podFilesSize(rootDir, UID)).toBe(0);
    await truncate(await writeHostsFile(rootDir, UID, 'x'), 5000);
    for (const name of ['main', 'side']) await truncate(await createTerminationMessageFile(rootDir, UID, name), 300);
    expect(await podFilesSize(rootDir, UID)).toBe(5600);
  });

  it('resolv.conf is replaced in place, and only where there is one', async () => {
    const path = join(dir, 'resolv.conf');
    await writeFile(path, 'nameserver 192.0.2.1\nsearch a.very.long.domain.example\n');
    const { ino } = await stat(path);
    await writeResolvConf(path, 'nameserver 10.0.0.10\n');
    expect(await readFile(path, 'utf8')).toBe('nameserver 10.0.0.10\n');
    expect((await stat(path)).ino).toBe(ino);
    await expect(writeResolvConf(join(dir, 'none'), 'x')).rejects.toMatchObject({ code: 'not-found' });
    expect(await exists(join(dir, 'none'))).toBe(false);
  });

  it('each container gets a termination message file of its own that any user may write', async () => {
    const first = await createTerminationMessageFile(rootDir, UID, 'main');
    const second = await createTerminationMessageFile(rootDir, UID, 'main');
    expect(first).not.toBe(second);
    expect(first).toMatch(new RegExp(`^${join(rootDir, 'pods', UID, 'containers/main')}/[0-9a-f]{8}$`));
    expect((await stat(first)).mode & 0o777).toBe(0o666);
    await removeTerminationMessageFile(first);
    await removeTerminationMessageFile(first);
    expect(await exists(first)).toBe(false);
  });

  it.each(['..', '.', '', 'a/b', '../../etc', '/etc', 'a\0b'])('an uid that would lead elsewhere is refused: %j', async (uid) => {
    await expect(writeHostsFile(rootDir, uid, 'x')).rejects.toMatchObject({ code: 'invalid' });
    await expect(removePodFiles(rootDir, uid)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('a termination message', () => {
  it('is the end of what the container wrote, cut to size', async () => {
    const path = join(dir, 'message');
    await writeFile(path, 'short');
    expect(await readTerminationMessage(path)).toBe('short');
    await writeFile(path, `${'x'.repeat(10_000)}end`);
    const message = await readTerminationMessage(path);
    expect(message).toHaveLength(4096);
    expect(message.endsWith('xend')).toBe(true);
    expect(await readTerminationMessage(path, 3)).toBe('end');
  });

  it('is empty where there is none, and no link is followed to one', async () => {
    expect(await readTerminationMessage(join(dir, 'none'))).toBe('');
    await symlink('/etc/hostname', join(dir, 'link'));
    expect(await readTerminationMessage(join(dir, 'link'))).toBe('');
    expect(await readTerminationMessage(dir)).toBe('');
  });
});

describe('links to logs', () => {
  const pod = { uid: UID, namespace: 'shop', name: 'web' };
  const id = 'c'.repeat(64);
  const link = (more: object = {}): Promise<void> =>
    linkContainerLog({ baseDir: dir, pod, container: 'main', attempt: 0, containerId: id, dockerLogPath: '/docker/log-1', ...more });

  it('are where the kubelet has them', async () => {
    await link();
    const path = join(dir, `pods/shop_web_${UID}/main/0.log`);
    expect(containerLogPath(pod, 'main', 0, dir)).toBe(path);
    expect(await readlink(path)).toBe('/docker/log-1');
    expect(await readlink(join(dir, `containers/web_shop_main-${id}.log`))).toBe(path);
  });

  it('are replaced, and not made where Docker keeps no log', async () => {
    await link({ dockerLogPath: '' });
    expect(await exists(join(dir, 'pods'))).toBe(false);
    await link();
    await link({ dockerLogPath: '/docker/log-2' });
    expect(await readlink(containerLogPath(pod, 'main', 0, dir))).toBe('/docker/log-2');
  });

  it('have names that a file system takes, always the same ones, which tell what has a long name in common', async () => {
    const twins = ['a', 'b'].map((end) => ({ ...pod, namespace: 'n'.repeat(63), name: 'p'.repeat(252) + end, uid: UID }));
    for (const [i, twin] of twins.entries()) {
      for (const container of ['c'.repeat(63), 'main']) await link({ pod: twin, container, containerId: `${i}`.repeat(64) });
    }
    const paths = twins.map((twin) => containerLogPath(twin, 'main', 0, dir));
    for (const path of paths) expect(await readlink(path)).toBe('/docker/log-1');
    expect(paths[0]).not.toBe(paths[1]);
    expect(paths[0]).toMatch(new RegExp(`/pods/n{63}_p+-[0-9a-f]{16}_${UID}/main/0\\.log$`));
    const flat = await readdir(join(dir, 'containers'));
    expect(flat).toHaveLength(4);
    for (const name of flat) expect(name).toMatch(/^p{40,}-[0-9a-f]{16}_n{63}_(c{63}|main)-[01]{64}\.log$/);
    for (const twin of twins) await removePodLogs(twin, dir);
    expect([...(await readdir(join(dir, 'containers'))), ...(await readdir(join(dir, 'pods')))]).toEqual([]);
  });

  it('go with their container, or all with their pod, and nobody else’s', async () => {
    const other = { ...pod, uid: 'other-uid' };
    await link();
    await link({ attempt: 1, containerId: 'd'.repeat(64) });
    await link({ pod: other, containerId: 'e'.repeat(64) });
    await unlinkContainerLog({ baseDir: dir, pod, container: 'main', attempt: 0, containerId: id });
    expect(await exists(containerLogPath(pod, 'main', 0, dir))).toBe(false);
    expect(await exists(containerLogPath(pod, 'main', 1, dir))).toBe(true);
    await removePodLogs(pod, dir);
    await removePodLogs(pod, dir);
    expect(await exists(join(dir, `pods/shop_web_${UID}`))).toBe(false);
    expect(await exists(join(dir, `containers/web_shop_main-${'d'.repeat(64)}.log`))).toBe(false);
    expect(await readlink(join(dir, `containers/web_shop_main-${'e'.repeat(64)}.log`))).toBe(containerLogPath(other, 'main', 0, dir));
  });
});

describe('removing a pod’s files', () => {
  it('takes all of them, follows no link out, and is content when they are gone', async () => {
    const precious = join(dir, 'precious');
    await mkdir(precious);
    await writeFile(join(precious, 'file'), 'x');
    const volume = (await prepareVolumes({ rootDir, pod: aPod([{ name: 'cache' }]) })).get('cache') ?? '';
    await symlink(precious, join(volume, 'link'));
    await symlink(join(precious, 'file'), join(volume, 'file-link'));
    await writeHostsFile(rootDir, UID, 'x');
    expect(await listPodDirectories(rootDir)).toEqual([UID]);
    await removePodFiles(rootDir, UID);
    await removePodFiles(rootDir, UID);
    expect(await listPodDirectories(rootDir)).toEqual([]);
    expect(await readFile(join(precious, 'file'), 'utf8')).toBe('x');
  });

  it('does not touch a link in the place of the pod’s directory', async () => {
    const precious = join(dir, 'precious');
    await mkdir(precious);
    await mkdir(join(rootDir, 'pods'), { recursive: true });
    await symlink(precious, join(rootDir, 'pods', UID));
    await expect(removePodFiles(rootDir, UID)).rejects.toMatchObject({ code: 'internal' });
    expect(await exists(precious)).toBe(true);
    expect(await listPodDirectories(rootDir)).toEqual([]);
  });

  it('deletes nothing while something below stays mounted', async () => {
    const path = await writeHostsFile(rootDir, UID, 'x');
    const stuck = { read: async () => [join(rootDir, 'pods', UID, 'volumes/v')], unmount: () => Promise.reject(new Error('target is busy')) };
    await expect(removePodFiles(rootDir, UID, () => stuck)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/still mounted below .*volumes\/v; nothing there is deleted: target is busy/) as string,
    });
    expect(await exists(path)).toBe(true);
  });
});
