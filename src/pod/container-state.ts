import type { ObservedContainer } from './observed.ts';
import { toTime } from './times.ts';
import type { ContainerState } from './types.ts';

/** Exit code that Docker itself gives a container it could not start, for one that does not tell. */
const COULD_NOT_START = 128;

export type Terminated = NonNullable<ContainerState['terminated']>;

/** What is said of a container that ran once and cannot be found any more. */
export const LOST: Terminated = {
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was terminated',
  exitCode: 137,
};

/**
 * `state` of one container; undefined where there is nothing to tell yet (created, unknown).
 * Kubernetes v1.20 pkg/kubelet/dockershim/docker_container.go ContainerStatus, kuberuntime_container.go.
 */
export function stateOf(container: ObservedContainer, messageBytes: number): ContainerState | undefined {
  switch (container.state) {
    case 'running':
      return { running: { startedAt: toTime(container.startedAt ?? container.createdAt) } };
    case 'exited':
      return { terminated: terminatedOf(container, messageBytes) };
    case 'created':
    case 'unknown':
      return undefined;
  }
}

function terminatedOf(container: ObservedContainer, messageBytes: number): Terminated {
  const { createdAt, startedAt, finishedAt } = container;
  const exitCode = container.exitCode ?? (startedAt === undefined ? COULD_NOT_START : 0);
  const message = [container.error, container.terminationMessage].filter((m) => m !== undefined && m !== '').join(': ');
  return {
    exitCode,
    reason: reasonOf(container, exitCode),
    ...(message === '' ? {} : { message: cut(message, messageBytes) }),
    startedAt: toTime(startedAt ?? createdAt),
    finishedAt: toTime(startedAt === undefined ? createdAt : (finishedAt ?? startedAt)),
    containerID: `docker://${container.id}`,
  };
}

function reasonOf(container: ObservedContainer, exitCode: number): string {
  if (container.startedAt === undefined) return 'ContainerCannotRun';
  if (container.oomKilled) return 'OOMKilled'; // first, even where the exit code is 0
  return exitCode === 0 ? 'Completed' : 'Error';
}

/** At most `bytes` of UTF-8, no character cut in two. */
function cut(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes) return text;
  let end = bytes;
  const raw = Buffer.from(text);
  while (end > 0 && ((raw[end] ?? 0) & 0xc0) === 0x80) end--;
  return raw.toString('utf8', 0, end);
}
