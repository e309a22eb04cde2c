import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KmError } from '../base/index.ts';
import { type Container, seccompProfile, type ValidPod } from '../pod/index.ts';

/**
 * The content of the seccomp profile that a container names below `<root-dir>/seccomp`; undefined for one that names none. Throws code `workload`
 * in the kubelet's words (Kubernetes v1.20 pkg/kubelet/dockershim/helpers_linux.go getSeccompDockerOpts).
 */
export async function seccompContent(rootDir: string, pod: ValidPod, container: Container): Promise<string | undefined> {
  const profile = seccompProfile(pod, container);
  if (profile.kind !== 'localhost') return undefined;
  const path = join(rootDir, 'seccomp', profile.path);
  const content = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new KmError('workload', `cannot load seccomp profile "${path}": ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  });
  try {
    JSON.parse(content);
  } catch {
    throw new KmError('workload', `cannot load seccomp profile "${path}": no JSON`);
  }
  return content;
}
