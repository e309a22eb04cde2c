import { createHash } from 'node:crypto';
import { mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KmError } from '../base/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import { fileWork, unless } from './file-error.ts';

const BASE_DIR = '/var/log';
/** Longest file name that file systems have, bytes. */
const LONGEST_NAME = 255;
const HASH_LENGTH = 16;
/** So much of a pod's name is in each name that is made of it, whatever is cut: namespaces and containers have at most 63 characters, ids 64. */
const KEPT = 40;
const SUFFIX = '.log';

export interface LogLinksInput {
  /** `/var/log` unless told: above `pods` and `containers`. */
  readonly baseDir?: string;
  readonly pod: PodIdentity;
  readonly container: string;
  readonly attempt: number;
  readonly containerId: string;
  /** Where Docker writes the log. */
  readonly dockerLogPath: string;
}

/**
 * A file name around a pod's name. The API has names of up to 253 characters, with which it may get too long: then the pod's name is cut, and a
 * hash tells it from others. The kubelet would make no directory, and cut the end off the flat link (Kubernetes v1.20 pkg/kubelet/kuberuntime/legacy.go).
 */
function fileName(before: string, name: string, after: string): string {
  const whole = before + name + after;
  if (whole.length <= LONGEST_NAME) return whole;
  const hash = `-${createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH)}`;
  const room = LONGEST_NAME - before.length - hash.length - after.length;
  return room < 0 ? whole.slice(0, LONGEST_NAME - hash.length) + hash : before + name.slice(0, room) + hash + after;
}

/** `/var/log/pods/<ns>_<name>_<uid>` */
export function podLogDirectory(pod: PodIdentity, baseDir = BASE_DIR): string {
  const name = fileName(`${pod.namespace}_`, pod.name, `_${pod.uid}`);
  if (name.includes('/') || name.startsWith('.')) throw new KmError('invalid', `"${name}" cannot be the name of a directory`);
  return join(baseDir, 'pods', name);
}

/** `/var/log/pods/<ns>_<name>_<uid>/<container>/<attempt>.log` */
export function containerLogPath(pod: PodIdentity, container: string, attempt: number, baseDir = BASE_DIR): string {
  return join(podLogDirectory(pod, baseDir), container, `${attempt}${SUFFIX}`);
}

/** `/var/log/containers/<pod>_<ns>_<container>-<id>.log` */
function flatLogPath({ baseDir = BASE_DIR, pod, container, containerId }: Omit<LogLinksInput, 'dockerLogPath'>): string {
  return join(baseDir, 'containers', fileName('', pod.name, `_${pod.namespace}_${container}-${containerId}${SUFFIX}`));
}

/**
 * Makes both links to a container's log, so that log collectors find it where the kubelet has it. A link of that name is replaced;
 * without a log (`dockerLogPath` empty: another log driver) nothing is made.
 */
export async function linkContainerLog(input: LogLinksInput): Promise<void> {
  if (input.dockerLogPath === '') return;
  const path = containerLogPath(input.pod, input.container, input.attempt, input.baseDir);
  await fileWork('linking the log', async () => {
    await link(input.dockerLogPath, path);
    await link(path, flatLogPath(input));
  });
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  if ((await unless(['EEXIST'], symlink(target, path).then(() => true))) === true) return;
  await rm(path, { force: true });
  await symlink(target, path);
}

/** Takes both links of a container away; missing ones are fine. */
export async function unlinkContainerLog(input: Omit<LogLinksInput, 'dockerLogPath'>): Promise<void> {
  const paths = [containerLogPath(input.pod, input.container, input.attempt, input.baseDir), flatLogPath(input)];
  await fileWork('removing log links', () => Promise.all(paths.map((path) => rm(path, { force: true }))));
}

/** Takes away all links of the pod: its directory and what points into it. The logs themselves are Docker's. */
export async function removePodLogs(pod: PodIdentity, baseDir = BASE_DIR): Promise<void> {
  const directory = podLogDirectory(pod, baseDir);
  const flat = join(baseDir, 'containers');
  await fileWork('removing log links', async () => {
    const names = (await unless(['ENOENT'], readdir(flat))) ?? [];
    for (const name of names.filter((one) => one.startsWith(pod.name.slice(0, KEPT)))) {
      const target = await unless(['ENOENT', 'EINVAL'], readlink(join(flat, name)));
      if (target?.startsWith(`${directory}/`) === true) await rm(join(flat, name), { force: true });
    }
    await rm(directory, { recursive: true, force: true });
  });
}
