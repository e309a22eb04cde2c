import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileWork, unless } from './file-error.ts';
import { containerDirectory, podDirectory } from './paths.ts';

/** Only root looks into other pods' files. */
const DIRECTORY_MODE = 0o750;

/**
 * Writes the pod's /etc/hosts on the node and returns its path. In place: containers that run hold that very file. Code `internal`
 * when the disk refuses.
 */
export async function writeHostsFile(rootDir: string, uid: string, content: string): Promise<string> {
  const directory = podDirectory(rootDir, uid);
  const path = join(directory, 'etc-hosts');
  await fileWork('writing the hosts file', async () => {
    if ((await unless(['ENOENT'], readFile(path, 'utf8'))) === content) return;
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await writeFile(path, content, { mode: 0o644 });
  });
  return path;
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
