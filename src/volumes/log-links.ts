import { mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KmError } from '../base/index.ts';
import type { PodIdentity } from '../pod/index.ts';
import { fileWork, unless } from './file-error.ts';

const BASE_DIR = '/var/log';
/** Longest file name of ext4; the kubelet cuts the rest (Kubernetes v1.20 pkg/kubelet/kuberuntime/legacy.go). */
const LONGEST_NAME = 255;
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

/** `/var/log/pods/<ns>_<name>_<uid>` */
export function podLogDirectory(pod: PodIdentity, baseDir = BASE_DIR): string {
  const name = `${pod.namespace}_${pod.name}_${pod.uid}`;
  if (name.includes('/') || name.startsWith('.')) throw new KmError('invalid', `"${name}" cannot be the name of a directory`);
  return join(baseDir, 'pods', name);
}

/** `/var/log/pods/<ns>_<name>_<uid>/<container>/<attempt>.log` */
export function containerLogPath(pod: PodIdentity, container: string, attempt: number, baseDir = BASE_DIR): string {
  return join(podLogDirectory(pod, baseDir), container, `${attempt}${SUFFIX}`);
}

/** `/var/log/containers/<pod>_<ns>_<container>-<id>.log` */
function flatLogPath({ baseDir = BASE_DIR, pod, container, containerId }: Omit<LogLinksInput, 'dockerLogPath'>): string {
  const name = `${pod.name}_${pod.namespace}_${container}-${containerId}`;
  return join(baseDir, 'containers', name.slice(0, LONGEST_NAME - SUFFIX.length) + SUFFIX);
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
    for (const name of names.filter((one) => one.startsWith(`${pod.name}_${pod.namespace}_`))) {
      const target = await unless(['ENOENT', 'EINVAL'], readlink(join(flat, name)));
      if (target?.startsWith(`${directory}/`) === true) await rm(join(flat, name), { force: true });
    }
    await rm(directory, { recursive: true, force: true });
  });
}
