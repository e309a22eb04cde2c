import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ValidPod, VolumeMount } from '../../../src/pod/index.ts';
import {
  containerMounts,
  createTerminationMessageFile,
  prepareVolumes,
  readTerminationMessage,
  removePodFiles,
  writeHostsFile,
  writeResolvConf,
} from '../../../src/volumes/index.ts';
import { mountCommand } from '../../../src/volumes/mount-command.ts';
import { TryEngine } from './try-engine.ts';

const us = new TryEngine();
const { engine } = us;
afterAll(() => us[Symbol.asyncDispose]());

let dir = '';
let rootDir = '';
const pods: ValidPod[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-volumes-'));
  rootDir = join(dir, 'root');
});
afterEach(async () => {
  for (const pod of pods.splice(0)) await removePodFiles(rootDir, pod.metadata.uid);
  await rm(dir, { recursive: true });
});

function aPod(spec: Partial<ValidPod['spec']>): ValidPod {
  const pod = us.pod(spec);
  pods.push(pod);
  return pod;
}

const mounted = async (): Promise<string[]> => (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(dir));

async function mountsOf(pod: ValidPod, mount: Partial<VolumeMount>): ReturnType<typeof containerMounts> {
  return containerMounts({
    rootDir,
    pod,
    container: { name: 'main', volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] },
    volumes: await prepareVolumes({ rootDir, pod }),
    subPath: ({ subPath }) => subPath,
  });
}

describe('an emptyDir', () => {
  it('in memory is a tmpfs of the asked size, once', async () => {
    const pod = aPod({ volumes: [{ name: 'v', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }] });
    const path = (await prepareVolumes({ rootDir, pod })).get('v') ?? '';
    await writeFile(join(path, 'kept'), 'x');
    await prepareVolumes({ rootDir, pod });
    expect(await mounted()).toHaveLength(1);
    expect(await readFile(join(path, 'kept'), 'utf8')).toBe('x');
    expect((await stat(path)).mode & 0o7777).toBe(0o1777);
    await expect(writeFile(join(path, 'large'), Buffer.alloc(2 * 1024 * 1024))).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it.each([['', 0o2777], ['Memory', 0o3777]])('belongs to the pod’s group, and so does what is made in it (medium "%s")', async (medium, wanted) => {
    const pod = aPod({ volumes: [{ name: 'v', emptyDir: { medium } }], securityContext: { fsGroup: 4242, runAsUser: 1000 } });
    const path = (await prepareVolumes({ rootDir, pod })).get('v') ?? '';
    expect(await stat(path).then(({ gid, mode }) => [gid, mode & 0o7777])).toEqual([4242, wanted]);
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['touch', '/v/made'] }, { mounts: await mountsOf(pod, {}) }));
    await engine.start(id);
    expect(await engine.wait(id)).toBe(0);
    expect(await stat(join(path, 'made')).then(({ uid, gid }) => [uid, gid])).toEqual([1000, 4242]);
  });
});

describe('a subPath', () => {
  const withVolume = async (): Promise<{ pod: ValidPod; volume: string }> => {
    const volume = join(dir, 'volume');
    await mkdir(volume, { mode: 0o750 });
    return { pod: aPod({ volumes: [{ name: 'v', hostPath: { path: volume } }] }), volume };
  };

  it('is that part of the volume, made with the volume’s mode where it is missing', async () => {
    const { pod, volume } = await withVolume();
    const [mount] = await mountsOf(pod, { subPath: 'deep/down' });
    expect(mount?.hostPath).toBe(join(rootDir, 'pods', pod.metadata.uid, 'volume-subpaths/v/main/0'));
    await writeFile(join(volume, 'deep/down/file'), 'hello');
    expect(await readFile(join(mount?.hostPath ?? '', 'file'), 'utf8')).toBe('hello');
    expect((await stat(join(volume, 'deep'))).mode & 0o777).toBe(0o750);
  });

  it('may be one file, and may be prepared again after a restart', async () => {
    const { pod, volume } = await withVolume();
    await writeFile(join(volume, 'one.conf'), 'one');
    await mountsOf(pod, { subPath: 'one.conf' });
    const [mount] = await mountsOf(pod, { subPath: 'one.conf' });
    expect(await readFile(mount?.hostPath ?? '', 'utf8')).toBe('one');
    expect(await mounted()).toHaveLength(1);
    await mkdir(join(volume, 'now-a-directory'));
    const [other] = await mountsOf(pod, { subPath: 'now-a-directory' });
    expect((await stat(other?.hostPath ?? '')).isDirectory()).toBe(true);
    const sandboxId = await us.sandbox(pod);
    const id = await engine.create(us.config(pod, sandboxId, { command: ['cat', '/v'] }, { mounts: await mountsOf(pod, { subPath: 'one.conf', readOnly: true }) }));
    await engine.start(id);
    expect(await us.outputOf(id)).toBe('one');
  });

  it('may go through links that stay in the volume', async () => {
    const { pod, volume } = await withVolume();
    await mkdir(join(volume, 'v1'));
    await writeFile(join(volume, 'v1/file'), 'first');
    await symlink('v1', join(volume, 'current'));
    const [mount] = await mountsOf(pod, { subPath: 'current' });
    expect(await readFile(join(mount?.hostPath ?? '', 'file'), 'utf8')).toBe('first');
  });

  it.each([
    ['by its name', '../outside'],
    ['by an absolute name', '/etc'],
    ['through a link', 'out'],
    ['through a link to a parent', 'up/outside'],
    ['to be made behind a link', 'out/new'],
  ])('cannot leave the volume: %s', async (_how, subPath) => {
    const { pod, volume } = await withVolume();
    await mkdir(join(dir, 'outside'));
    await symlink(join(dir, 'outside'), join(volume, 'out'));
    await symlink('..', join(volume, 'up'));
    await expect(mountsOf(pod, { subPath })).rejects.toMatchObject({
      code: 'workload',
      message: 'failed to prepare subPath for volumeMount "v" of container "main"',
    });
    expect(await readdir(join(dir, 'outside'))).toEqual([]);
    expect(await mounted()).toEqual([]);
  });
});

describe('removing a pod’s files', () => {
  it('unmounts what is mounted there and spares what was mounted', async () => {
    const precious = join(dir, 'precious');
    await mkdir(join(precious, 'sub'), { recursive: true });
    await writeFile(join(precious, 'sub/file'), 'x');
    const pod = aPod({ volumes: [{ name: 'v', hostPath: { path: precious } }, { name: 'm', emptyDir: { medium: 'Memory' } }] });
    await mountsOf(pod, { subPath: 'sub' });
    const below = join(rootDir, 'pods', pod.metadata.uid, 'volumes/bound');
    await mkdir(below, { recursive: true });
    await mountCommand('mount', ['--bind', precious, below]);
    expect(await mounted()).toHaveLength(3);
    await removePodFiles(rootDir, pod.metadata.uid);
    expect(await mounted()).toEqual([]);
    expect(await readdir(join(rootDir, 'pods'))).toEqual([]);
    expect(await readFile(join(precious, 'sub/file'), 'utf8')).toBe('x');
  });

  it('does so also when a process still uses a mount there', async () => {
    const pod = aPod({ volumes: [{ name: 'm', emptyDir: { medium: 'Memory' } }] });
    const path = (await prepareVolumes({ rootDir, pod })).get('m') ?? '';
    const user = spawn('sh', ['-c', 'echo in; read end'], { cwd: path });
    try {
      await once(user.stdout, 'data');
      await removePodFiles(rootDir, pod.metadata.uid);
      expect(await mounted()).toEqual([]);
      expect(await readdir(join(rootDir, 'pods'))).toEqual([]);
    } finally {
      user.stdin.end();
      await once(user, 'exit');
    }
  });
});

it('a container, whoever it runs as, reads our hosts and resolv.conf and leaves its message', async () => {
  const pod = aPod({ securityContext: { runAsUser: 1000 } });
  const { uid } = pod.metadata;
  const sandboxId = await us.sandbox(pod);
  const container = { name: 'main', command: ['sh', '-c', 'cat /etc/hosts /etc/resolv.conf; echo done > /dev/termination-log'], terminationMessagePath: '/dev/termination-log' };
  const terminationMessageFile = await createTerminationMessageFile(rootDir, uid, 'main');
  const hostsFile = await writeHostsFile(rootDir, uid, '192.0.2.1 me\n');
  const mounts = await containerMounts({ rootDir, pod, container, volumes: new Map(), subPath: () => undefined, hostsFile, terminationMessageFile });
  const id = await engine.create(us.config(pod, sandboxId, container, { mounts, terminationMessageFile }));
  await writeResolvConf((await engine.inspect(sandboxId)).resolvConfPath, 'nameserver 192.0.2.53\noptions ndots:5\n');
  await engine.start(id);
  expect(await us.outputOf(id)).toBe('192.0.2.1 me\nnameserver 192.0.2.53\noptions ndots:5\n');
  expect(await readTerminationMessage(terminationMessageFile)).toBe('done\n');
});
