/** The search for what an executor leaves behind finds each kind of it: or nobody would hear of a leak. */
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { heldFiles, leftOnMachine } from './left-overs.ts';

const run = promisify(execFile);
const UID = '00000000-dead-beef-0000-000000000000';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'km-left-'));
  mkdirSync(join(dir, 'root/pods'), { recursive: true });
});
afterEach(() => rm(dir, { recursive: true }));

const left = (): Promise<string[]> => leftOnMachine({ dir, sessions: [], uids: [UID] });

test('nothing, where there is nothing', async () => {
  writeFileSync(join(dir, 'kubeconfig'), '');
  expect(await left()).toEqual([]);
});

test('files and folders of pods, journals, records of networks, logs', async () => {
  for (const file of [`root/pods/${UID}/volumes/kubernetes.io~empty-dir/a/file`, 'root/journal/a.jsonl', 'root/network/f.e/record', 'root/owners/a.json', `log/pods/ns_name_${UID}/c/0.log`]) {
    mkdirSync(join(dir, file, '..'), { recursive: true });
    writeFileSync(join(dir, file), '');
  }
  const found = await left();
  for (const text of [`file root/pods/${UID}`, 'file root/journal/a.jsonl', 'file root/network/f.e/record', 'file root/owners/a.json', 'file log/pods/']) expect(found).toContainEqual(expect.stringContaining(text));
});

test.skipIf(process.getuid?.() !== 0)('mounts', async () => {
  const place = join(dir, 'root/pods', UID);
  mkdirSync(place);
  await run('mount', ['-t', 'tmpfs', 'tmpfs', place]);
  try {
    expect(await left()).toContainEqual(expect.stringMatching(/^mount tmpfs .*dead-beef/));
  } finally {
    await run('umount', [place]);
  }
});

test('processes that have left their session, and open files of pods', async () => {
  const file = join(dir, 'root/pods/file');
  const fd = openSync(file, 'w');
  const stray = spawn('sleep', ['60'], { detached: true, stdio: [fd, 'ignore', 'ignore'], env: { PATH: process.env.PATH, MESOS_SANDBOX: `${dir}/sandbox-0` } });
  closeSync(fd);
  try {
    await expect.poll(left).toContainEqual(expect.stringContaining(`process ${stray.pid ?? 0} sleep 60`));
    await rm(file);
    expect(await heldFiles(dir, stray.pid ?? 0)).toEqual([`open file ${file} (deleted) of process ${stray.pid ?? 0}`]);
  } finally {
    stray.kill('SIGKILL');
  }
});

const HIERARCHY = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].find((path) => existsSync(path)) ?? '';

test.skipIf(!canMakeCgroups())('cgroups of pods', async () => {
  const cgroup = join(HIERARCHY, `km_${UID}`);
  mkdirSync(cgroup);
  try {
    expect(await left()).toEqual([`cgroup ${cgroup}`]);
  } finally {
    rmdirSync(cgroup);
  }
});

function canMakeCgroups(): boolean {
  const line = readFileSync('/proc/self/mounts', 'utf8').split('\n').find((mount) => mount.split(' ')[1] === HIERARCHY);
  return process.getuid?.() === 0 && line !== undefined && /^rw\b/.test(line.split(' ')[3] ?? '') && line.includes('cgroup');
}
