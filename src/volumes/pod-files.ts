import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileWork, unless } from './file-error.ts';
import { containerDirectory, podDirectory } from './paths.ts';

/** Only root looks into other pods' files. */
const DIRECTORY_MODE = 0o750;
const HOSTS = 'etc-hosts';

/**
 * Writes the pod's /etc/hosts on the node and returns its path. In place: containers that run hold that very file. Code `internal`
 * when the disk refuses.
 */
export async function writeHostsFile(rootDir: string, uid: string, content: string): Promise<string> {
  const directory = podDirectory(rootDir, uid);
  const path = join(directory, HOSTS);
  await fileWork('writing the hosts file', async () => {
    if (await holds(path, Buffer.from(content))) return;
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(path, content, { mode: 0o644 });
  });
  return path;
}

/** Whether a file is exactly that. Containers may have made it as large as they like: no more of it is read than it should have. */
async function holds(path: string, content: Buffer): Promise<boolean> {
  const file = await unless(['ENOENT'], open(path));
  if (file === undefined) return false;
  try {
    if ((await file.stat()).size !== content.length) return false;
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(content.length), position: 0 });
    return buffer.subarray(0, bytesRead).equals(content);
  } finally {
    await file.close();
  }
}

/**
 * How large the files are that are the pod's own and that its containers may write: /etc/hosts and termination messages, bytes. Kubernetes
 * v1.20 pkg/kubelet/eviction/helpers.go (podLocalEphemeralStorageUsage; CVE-2020-8557).
 */
export async function podFilesSize(rootDir: string, uid: string): Promise<number> {
  const containers = join(podDirectory(rootDir, uid), 'containers');
  const messages = await Promise.all((await listed(containers)).map(async (name) => (await listed(join(containers, name))).map((file) => join(containers, name, file))));
  const sizes = await Promise.all([join(podDirectory(rootDir, uid), HOSTS), ...messages.flat()].map((path) => lstat(path).then(({ size }) => size, () => 0)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function listed(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

/**
 * A new empty file for the termination message of the container to come; every user may write it, whoever the container
 * runs as. Returns its path.
 */
export async function createTerminationMessageFile(rootDir: string, uid: string, containerName: string): Promise<string> {
  const directory = containerDirectory(rootDir, uid, containerName);
  const path = join(directory, randomBytes(4).toString('hex'));
  await fileWork('making the termination message file', async () => {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(path, '', { flag: 'wx' });
    // Not by the mode of its making, which obeys the umask.
    await chmod(path, 0o666);
  });
  return path;
}

/** When its container is removed, so that restarts leave nothing behind. Gone already is fine. */
export async function removeTerminationMessageFile(path: string): Promise<void> {
  await fileWork('removing the termination message file', () => rm(path, { force: true }));
}

/**
 * Replaces the content of a started sandbox's resolv.conf (`InspectedContainer.resolvConfPath`) in place: its containers hold
 * that very file, and Docker writes it anew at each start. Code `not-found` when there is no such file.
 */
export async function writeResolvConf(path: string, content: string): Promise<void> {
  await fileWork('writing resolv.conf', async () => {
    await using file = await open(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
    await file.writeFile(content);
  });
}
